// What the stand-in Telegram knows: people, chats, topics, messages, files. No protocol here: who changes something is told
// through `changed`, which makes updates of it for the bots that may see it.
import { seeded } from '../slack/world.mjs';

export { seeded };

export class User {
  constructor(fields) {
    Object.assign(this, { isBot: false, firstName: 'Somebody', lastName: null, username: null, language: null, deactivated: false, ...fields });
  }

  shown() {
    return {
      id: this.id, is_bot: this.isBot, first_name: this.firstName, ...(this.lastName && { last_name: this.lastName }), ...(this.username && { username: this.username }),
      ...(this.language && { language_code: this.language }),
    };
  }
}

// What stands for an administrator who hides behind the group.
export const anonymous = new User({ id: 1087968824, isBot: true, firstName: 'Group', username: 'GroupAnonymousBot' });

export class Message {
  constructor(chat, id, fields) {
    Object.assign(this, { chat, id, from: null, senderChat: null, bot: null, text: null, entities: [], caption: null, captionEntities: [], media: null, service: null, replyTo: null,
      quote: null, topic: null, albumId: null, forward: null, markup: null, args: {}, editedAt: null, more: null, ...fields });
    this.date = fields.date ?? Math.floor(Date.now() / 1000);
    this.writes = []; // every text it had: {text, at}
    this.updates = []; // that told bots of it
    this.reactions = new Map();
    this.deleted = false;
  }

  get words() {
    return this.text ?? this.caption ?? '';
  }

  // Every bot that was told of it has taken it in.
  get taken() {
    return this.updates.length > 0 && this.updates.every((u) => u.taken);
  }

  wrote() {
    this.writes.push({ text: this.words, at: Date.now() });
  }

  // The thread it is in: its topic, or in groups without topics the beginning of a row of replies.
  get thread() {
    if (this.topic) return this.topic.id === 1 ? null : this.topic.id;
    return this.chat.type === 'supergroup' && this.replyTo ? this.replyTo.thread ?? this.replyTo.id : null;
  }

  shown(deep = true) {
    const { chat, topic } = this, inTopic = topic && topic.id !== 1;
    const replied = this.replyTo ?? (inTopic ? topic.message : null); // every message of a topic replies to its beginning
    return {
      message_id: this.id,
      ...(this.thread !== null && { message_thread_id: this.thread }),
      ...(this.from && { from: this.from.shown() }),
      ...(this.senderChat && { sender_chat: this.senderChat.shown() }),
      chat: chat.shown(),
      date: this.date,
      ...(this.editedAt && { edit_date: this.editedAt }),
      ...(inTopic && { is_topic_message: true }),
      ...(this.albumId && { media_group_id: this.albumId }),
      ...(this.forward && { forward_origin: this.forward }),
      ...(deep && replied && replied !== this && !replied.deleted && { reply_to_message: replied.shown(false) }),
      ...(this.quote && { quote: this.quote }),
      ...(this.text !== null && { text: this.text, ...(this.entities.length && { entities: this.entities }) }),
      ...this.media,
      ...(this.caption !== null && { caption: this.caption, ...(this.captionEntities.length && { caption_entities: this.captionEntities }) }),
      ...(this.markup?.inline_keyboard && { reply_markup: { inline_keyboard: this.markup.inline_keyboard } }),
      ...(this.args.link_preview_options && { link_preview_options: this.args.link_preview_options }),
      ...this.service,
      ...this.more,
    };
  }
}

export class Chat {
  constructor(world, fields) {
    Object.assign(this, { world, title: null, username: null, isForum: false, user: null, bot: null, migratedTo: null, gone: false, ...fields });
    this.members = new Map(); // id -> {user, status}
    this.messages = new Map();
    this.topics = new Map();
    this.actions = []; // {bot, action, thread, at}
    this.drafts = []; // {bot, id, text, entities, thread, at, canStop}
    this.draft = null; // what is shown now
    this.lastId = fields.type === 'private' || fields.type === 'group' ? null : 0;
  }

  get list() {
    return [...this.messages.values()].filter((m) => !m.deleted);
  }

  nextId() {
    return this.lastId === null ? ++this.world.lastMessageId : ++this.lastId;
  }

  statusOf(user) {
    return this.members.get(user.id)?.status ?? 'left';
  }

  isIn(user) {
    return ['creator', 'administrator', 'member'].includes(this.statusOf(user));
  }

  shown() {
    if (this.type === 'private') {
      const { id, firstName, lastName, username } = this.user;
      return { id, first_name: firstName, ...(lastName && { last_name: lastName }), ...(username && { username }), type: 'private' };
    }
    return { id: this.id, title: this.title, ...(this.username && { username: this.username }), type: this.type, ...(this.isForum && { is_forum: true }) };
  }
}

export class World {
  constructor({ random, changed }) {
    Object.assign(this, { random, changed });
    this.users = new Map();
    this.chats = new Map(); // groups and channels; private chats belong to their bot
    this.files = new Map(); // file_id -> file
    this.lastUserId = 5_000_000_000; // does not fit into 32 bits, like those of new accounts
    this.lastGroupId = 4_000_000;
    this.lastMessageId = 0; // of private chats and small groups
    this.lastFile = 0;
    this.lastAlbum = 13_000_000_000_000_000n;
  }

  addUser(name, fields = {}) {
    const user = new User({ id: ++this.lastUserId, firstName: `${name[0].toUpperCase()}${name.slice(1)}`, username: `${name}_x`, ...fields });
    this.users.set(user.id, user);
    return user;
  }

  addChat(title, { type = 'group', members = [], forum = false, username = null } = {}) {
    const number = ++this.lastGroupId;
    const chat = new Chat(this, { id: type === 'group' ? -number : -(1_000_000_000_000 + 1_000_000_000 + number), type, title, username, isForum: forum });
    this.chats.set(chat.id, chat);
    if (forum) chat.lastId = 1; // the message that began the General topic
    if (forum) chat.topics.set(1, { id: 1, name: 'General', message: null, closed: false, gone: false });
    for (const [i, user] of members.entries()) chat.members.set(user.id, { user, status: i === 0 ? 'creator' : 'member' });
    return chat;
  }

  // A new message, of a person or of a bot; tells those who may see it.
  post(chat, fields, { kind = chat.type === 'channel' ? 'channel_post' : 'message' } = {}) {
    const message = new Message(chat, chat.nextId(), { topic: chat.isForum ? chat.topics.get(1) : null, ...fields });
    chat.messages.set(message.id, message);
    message.wrote();
    if (message.bot) {
      if (chat.draft?.bot === message.bot) chat.draft = null; // every message of the bot ends what it was drafting
      chat.lastBot = message.bot;
    }
    this.changed(kind, chat, message);
    return message;
  }

  change(message, fields) {
    Object.assign(message, fields);
    message.editedAt = Math.floor(Date.now() / 1000);
    message.wrote();
    this.changed(message.chat.type === 'channel' ? 'edited_channel_post' : 'edited_message', message.chat, message);
    return message;
  }

  addTopic(chat, name, by) {
    const topic = { name, closed: false, gone: false, message: null, id: null };
    const message = this.post(chat, { from: by, topic, service: { forum_topic_created: { name, icon_color: 7322096 } } }, { kind: null });
    Object.assign(topic, { id: message.id, message });
    chat.topics.set(topic.id, topic);
    this.changed('message', chat, message);
    return topic;
  }

  // behaviour: plain, cut (ends in the middle), broken (500), gone (404), html. size: what is said of it, when it differs from its bytes.
  addFile({ bytes, name = 'file.bin', mime = 'application/octet-stream', folder = 'documents', size, behaviour = 'plain', ...more }) {
    const number = ++this.lastFile, content = Buffer.from(bytes);
    const file = {
      id: `BQACAgIAAx${Buffer.from(`file ${number}`).toString('base64url')}-${number}`, uniqueId: `AgAD${number.toString(36).padStart(6, 'x')}`, name, mime, bytes: content,
      size: size ?? content.length, behaviour, path: `${folder}/file_${number}${/\.[A-Za-z0-9]{1,8}$/.exec(name)?.[0] ?? ''}`, until: 0, asked: 0, ...more,
    };
    this.files.set(file.id, file);
    return file;
  }

  fileIds(file) {
    return { file_id: file.id, file_unique_id: file.uniqueId, file_size: file.size };
  }
}
