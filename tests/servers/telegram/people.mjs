// What people do in their clients: start a bot, say, edit, reply, command, press, send files, add and remove bots, block them.
import { anonymous } from './world.mjs';
import { found } from './text.mjs';

export class People {
  constructor(telegram) {
    this.telegram = telegram;
    this.lastCallback = 4_382_000_000_000_000n;
  }

  get world() {
    return this.telegram.world;
  }

  // date: of old messages, in seconds. wants: the id that its answer must carry; counted by the tally. entities: beside those the server finds. topic: of a forum.
  say(user, chat, text, { replyTo = null, quote = null, topic = null, wants = null, entities = [], media = null, caption = false, hidden = false, ...more } = {}) {
    if (chat.type !== 'private' && chat.type !== 'channel' && !chat.isIn(user)) chat.members.set(user.id, { user, status: 'member' });
    const marked = text ? [...entities, ...found(text)].sort((a, b) => a.offset - b.offset) : [];
    const message = this.world.post(chat, {
      ...(chat.type === 'channel' ? { senderChat: chat } : hidden ? { from: anonymous, senderChat: chat } : { from: user }),
      ...(media || caption ? { media, caption: text || null, captionEntities: marked } : { text, entities: marked }),
      replyTo, quote: quote && { text: quote, position: replyTo.words.indexOf(quote), is_manual: true },
      ...(chat.isForum && { topic: topic ?? replyTo?.topic ?? chat.topics.get(1) }), ...more,
    });
    if (wants) this.telegram.tally.expect(message, wants);
    return message;
  }

  // The private chat with a bot, opened when it is not yet.
  tell(user, bot, text, options) {
    return this.say(user, bot.privateWith(user), text, options);
  }

  // The Start button of a link t.me/<bot>?start=<payload>.
  start(user, bot, payload = '') {
    if (bot.blockedBy.has(user.id)) this.unblock(user, bot);
    return this.tell(user, bot, payload ? `/start ${payload}` : '/start');
  }

  // Follows a link to a bot, https://t.me/<bot>?start=<payload>, or with startgroup the way into a group.
  open(user, link, group = null) {
    const url = new URL(link), bot = [...this.telegram.bots.values()].find((b) => b.username.toLowerCase() === url.pathname.slice(1).toLowerCase());
    if (!/^(t|telegram)\.me$/.test(url.hostname) || !bot) throw new Error(`${link} leads to no bot`);
    const payload = url.searchParams.get('start') ?? url.searchParams.get('startgroup') ?? '';
    if (!/^[A-Za-z0-9_-]{0,64}$/.test(payload)) throw new Error(`${payload} is no payload`);
    return url.searchParams.has('startgroup') ? this.addBot(user, group, bot, { payload }) : this.start(user, bot, payload);
  }

  mention(user, chat, bot, text, options) {
    return this.say(user, chat, `@${bot.username} ${text}`, options);
  }

  reply(user, message, text, options = {}) {
    return this.say(user, message.chat, text, { replyTo: message, topic: message.topic, ...options });
  }

  // bot: null leaves out its name, as clients do in private chats.
  command(user, chat, bot, name, args = '', options = {}) {
    return this.say(user, chat, `/${name}${bot ? `@${bot.username}` : ''}${args ? ` ${args}` : ''}`, options);
  }

  edit(message, text) {
    const field = message.text === null ? { caption: text, captionEntities: found(text) } : { text, entities: found(text) };
    return this.world.change(message, field);
  }

  // Something changed that is no edit of the words: a preview came, say.
  touch(message) {
    return this.world.change(message, {});
  }

  // Updates tell bots nothing of it.
  remove(message) {
    message.deleted = true;
  }

  document(user, chat, file, { caption = '', ...options } = {}) {
    const made = this.world.addFile(file);
    return this.say(user, chat, caption, { media: { document: { file_name: made.name, mime_type: made.mime, ...this.world.fileIds(made) } }, file: made, ...options });
  }

  photo(user, chat, file, { caption = '', ...options } = {}) {
    const make = (size) => this.world.addFile({ mime: 'image/jpeg', folder: 'photos', name: 'photo.jpg', ...file, ...(size < 1280 && { size: undefined, bytes: file.bytes.slice(0, size) }) });
    const sizes = [90, 320, 1280].map((width) => ({ width, height: Math.round(width * 0.75), made: make(width) }));
    const media = { photo: sizes.map(({ width, height, made }) => ({ ...this.world.fileIds(made), width, height })) };
    return this.say(user, chat, caption, { media, file: sizes.at(-1).made, ...options });
  }

  voice(user, chat, file, { duration = 3, caption = '', ...options } = {}) {
    const made = this.world.addFile({ mime: 'audio/ogg', folder: 'voice', name: 'file.oga', ...file });
    return this.say(user, chat, caption, { media: { voice: { duration, mime_type: made.mime, ...this.world.fileIds(made) } }, file: made, ...options });
  }

  // Several at once: messages of their own with one media_group_id; the words stand under the first. kind: photo or document.
  album(user, chat, files, { caption = '', kind = 'photo', wants = null, ...options } = {}) {
    const albumId = String(++this.world.lastAlbum);
    return files.map((file, i) => this[kind](user, chat, file, { caption: i === 0 ? caption : '', albumId, ...(i === 0 && { wants }), ...options }));
  }

  sticker(user, chat, emoji = '👍', options = {}) {
    const made = this.world.addFile({ bytes: 'webp', folder: 'stickers', name: 'sticker.webp', mime: 'image/webp' });
    return this.say(user, chat, '', { media: { sticker: { ...this.world.fileIds(made), width: 512, height: 512, emoji, is_animated: false, is_video: false, type: 'regular' } }, ...options });
  }

  location(user, chat, options = {}) {
    return this.say(user, chat, '', { media: { location: { latitude: 52.52, longitude: 13.4 } }, ...options });
  }

  // Passed on from somebody (or, without, from somebody hidden).
  forward(user, chat, text, { by = null, ...options } = {}) {
    const date = Math.floor(Date.now() / 1000) - 60;
    return this.say(user, chat, text, { forward: by ? { type: 'user', sender_user: by.shown(), date } : { type: 'hidden_user', sender_user_name: 'Hidden', date }, ...options });
  }

  // A button of a bot's message. Returns the query; its `answer` is null until the bot has answered.
  press(user, message, data) {
    const { bot } = message, button = message.markup?.inline_keyboard?.flat().find((b) => b.callback_data === data);
    if (!button) throw new Error(`the message has no button ${data}`);
    const query = this.forge(user, message, data);
    if (!bot) throw new Error('nobody to tell');
    return query;
  }

  // The same with data of one's own making: clients can send what they like.
  forge(user, message, data) {
    const { bot, chat } = message, id = String(++this.lastCallback);
    const query = { id, at: Date.now(), answer: null };
    query.waiting = new Promise((resolve) => (query.answered = (answer) => resolve((query.answer = answer))));
    bot.callbacks.set(id, query);
    const shown = message.deleted ? { chat: chat.shown(), message_id: message.id, date: 0 } : message.shown();
    bot.push('callback_query', { id, from: user.shown(), message: shown, chat_instance: String(chat.id), data }, `3 ${user.id}`, null, 150);
    return query;
  }

  // Needs a bot that is an administrator and asked for it.
  react(user, message, emoji) {
    const before = message.reactions.get(user.id) ?? [];
    message.reactions.set(user.id, emoji ? [emoji] : []);
    const list = (emojis) => emojis.map((each) => ({ type: 'emoji', emoji: each }));
    for (const bot of this.telegram.bots.values())
      if (message.chat.bot === bot || message.chat.statusOf(bot) === 'administrator')
        bot.push('message_reaction', { chat: message.chat.shown(), message_id: message.id, user: user.shown(), date: Math.floor(Date.now() / 1000), old_reaction: list(before), new_reaction: list(emoji ? [emoji] : []) }, `11 ${message.chat.id}`);
  }

  // The stop button of a draft.
  stop(user, bot) {
    const chat = bot.privateWith(user), { draft } = chat;
    if (!draft?.canStop) throw new Error('there is nothing to stop');
    if (!draft.keepOnStop) chat.draft = null;
    bot.push('stopped_message_generation', { chat: chat.shown(), draft_id: draft.id }, `${chat.id}`);
  }

  // ---- being in a chat ------------------------------------------------------------------------------------------

  // by: who did it. Tells the bot when it is about itself.
  setStatus(by, chat, who, status) {
    const before = chat.statusOf(who);
    chat.members.set(who.id, { user: who, status });
    if (!who.isBot || before === status) return;
    const member = (name) => ({ user: who.shown(), status: name, ...(name === 'kicked' && { until_date: 0 }), ...(name === 'administrator' && { can_be_edited: false, is_anonymous: false, can_manage_topics: true }) });
    const tell = who.push?.('my_chat_member', { chat: chat.shown(), from: by.shown(), date: Math.floor(Date.now() / 1000), old_chat_member: member(before), new_chat_member: member(status) }, `5 ${chat.id}`);
    return tell;
  }

  addBot(user, chat, bot, { admin = chat.type === 'channel', payload = null } = {}) {
    if (chat.type !== 'channel') this.service(user, chat, { new_chat_members: [bot.shown()] }, bot);
    this.setStatus(user, chat, bot, admin ? 'administrator' : 'member');
    if (payload) this.say(user, chat, `/start@${bot.username} ${payload}`);
  }

  promote(user, chat, bot) {
    this.setStatus(user, chat, bot, 'administrator');
  }

  demote(user, chat, bot) {
    this.setStatus(user, chat, bot, 'member');
  }

  removeBot(user, chat, bot) {
    if (chat.type !== 'channel') this.service(user, chat, { left_chat_member: bot.shown() }, bot);
    this.setStatus(user, chat, bot, 'kicked');
  }

  block(user, bot) {
    const chat = bot.privateWith(user);
    bot.blockedBy.add(user.id);
    this.#blocked(user, bot, chat, 'member', 'kicked');
  }

  unblock(user, bot) {
    const chat = bot.privateWith(user);
    bot.blockedBy.delete(user.id);
    this.#blocked(user, bot, chat, 'kicked', 'member');
  }

  #blocked(user, bot, chat, before, after) {
    const member = (status) => ({ user: bot.shown(), status, ...(status === 'kicked' && { until_date: 0 }) });
    bot.push('my_chat_member', { chat: chat.shown(), from: user.shown(), date: Math.floor(Date.now() / 1000), old_chat_member: member(before), new_chat_member: member(after) }, `5 ${chat.id}`);
  }

  // A message that is about the chat itself.
  service(user, chat, service, about = null, options = {}) {
    return this.world.post(chat, { from: user, service, about, ...options });
  }

  join(user, chat) {
    this.setStatus(user, chat, user, 'member');
    return this.service(user, chat, { new_chat_members: [user.shown()] });
  }

  pin(user, message) {
    return this.service(user, message.chat, { pinned_message: message.shown(false) }, null, { topic: message.topic });
  }

  topic(user, chat, name) {
    return this.world.addTopic(chat, name, user);
  }

  deleteTopic(topic) {
    topic.gone = true;
  }

  // The group becomes a supergroup; which of the two messages comes first is a matter of chance. Returns the new chat.
  migrate(user, group, { forum = false } = {}) {
    const chat = this.world.addChat(group.title, { type: 'supergroup', forum });
    for (const [id, member] of group.members) chat.members.set(id, member);
    const away = () => this.service(user, group, { migrate_to_chat_id: chat.id });
    const here = () => this.service(user, chat, { migrate_from_chat_id: group.id, supergroup_chat_created: undefined });
    for (const tell of this.telegram.random() < 0.5 ? [away, here] : [here, away]) tell();
    group.migratedTo = chat;
    return chat;
  }

  deactivate(user) {
    user.deactivated = true;
    user.firstName = '';
  }

  // What no version of this program knows.
  unknown(bot, kind = 'widget_query') {
    const allowed = bot.allowed;
    bot.allowed = [...allowed, kind];
    bot.push(kind, { id: '1', something: { new: true } }, `0 ${kind}`);
    bot.allowed = allowed;
  }
}
