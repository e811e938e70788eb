// What the stand-in Slack knows: organisations, workspaces, people, channels, messages, files. No protocol here: who
// changes something is told through `changed`, which turns it into events for the apps that may see it.
import { randomUUID } from 'node:crypto';

// The same seed misbehaves in the same way again.
export function seeded(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const broadcasts = /<!(here|channel|everyone)(\|[^>]*)?>/;
const mentions = /<@([UW][A-Z0-9]+)(?:\|[^>]*)?>/g;

export const mentionsOf = (text) => [...(text ?? '').matchAll(mentions)].map((m) => m[1]);

// What a client of a person sends beside the text: the lossless form, with a mention as an element of its own.
function richText(text) {
  const elements = [];
  let at = 0;
  for (const m of text.matchAll(mentions)) {
    if (m.index > at) elements.push({ type: 'text', text: text.slice(at, m.index) });
    elements.push({ type: 'user', user_id: m[1] });
    at = m.index + m[0].length;
  }
  if (at < text.length) elements.push({ type: 'text', text: text.slice(at) });
  return [{ type: 'rich_text', block_id: 'b1', elements: [{ type: 'rich_text_section', elements }] }];
}

export class Message {
  constructor(channel, ts, fields) {
    Object.assign(this, { channel, ts, text: '', threadTs: null, user: null, app: null, botId: null, subtype: null, blocks: null, files: [],
      metadata: null, edited: null, stream: null, reactions: new Map(), args: {}, ...fields });
    this.writes = []; // every text it had: {how, text, at}
    this.deliveries = []; // of the events that tell apps of it
    this.deleted = false;
  }

  get root() {
    return this.threadTs ?? this.ts;
  }

  wrote(how) {
    this.writes.push({ how, text: this.text, at: Date.now() });
  }

  // How the last text came about: a stream that was never replaced is only a preview.
  get how() {
    return this.writes.at(-1)?.how;
  }

  // As events and history show it. Metadata is shown only to those who ask for it.
  shown({ metadata = false } = {}) {
    const { app } = this;
    const replies = this.threadTs ? [] : this.channel.replies(this.ts);
    const threadTs = this.threadTs ?? (replies.length ? this.ts : null);
    return {
      type: 'message',
      ...(this.subtype && { subtype: this.subtype }),
      ...(this.user && { user: this.user.id }),
      ...(this.botId && { bot_id: this.botId }),
      ...(app && { app_id: app.id, bot_profile: { id: this.botId, app_id: app.id, name: app.name, deleted: false, team_id: this.channel.team.id } }),
      text: this.text,
      ts: this.ts,
      ...(this.clientMsgId && { client_msg_id: this.clientMsgId }),
      team: (this.user?.team ?? this.channel.team).id,
      ...(threadTs && { thread_ts: threadTs }),
      ...(this.threadTs && { parent_user_id: this.channel.messages.get(this.threadTs)?.user?.id }),
      ...(replies.length && { reply_count: replies.length, latest_reply: replies.at(-1).ts }),
      ...(this.blocks && { blocks: this.blocks }),
      ...(this.files.length && { files: this.files.map((file) => file.shown()), upload: false }),
      ...(this.edited && { edited: this.edited }),
      ...(this.stream && { streaming_state: this.stream.state }),
      ...(metadata && this.metadata && { metadata: this.metadata }),
    };
  }
}

export class Channel {
  constructor(world, team, { id, name, kind }) {
    Object.assign(this, { world, team, id, name, kind, members: new Set(), messages: new Map(), sharedWith: [], archived: false });
  }

  get private() {
    return this.kind !== 'channel';
  }

  invite(user, inviter) {
    if (this.members.has(user.id)) return;
    this.members.add(user.id);
    this.world.changed({ type: 'member_joined_channel', user: user.id, channel: this.id, channel_type: this.kind === 'channel' ? 'C' : 'G', team: this.team.id,
      ...(inviter && { inviter: inviter.id }) }, this);
  }

  kick(user) {
    this.members.delete(user.id);
    this.world.changed({ type: 'member_left_channel', user: user.id, channel: this.id, channel_type: this.kind === 'channel' ? 'C' : 'G', team: this.team.id }, this);
  }

  // Of Slack Connect: members of another workspace talk here too.
  shareWith(team) {
    this.sharedWith.push(team);
  }

  get list() {
    return [...this.messages.values()].filter((m) => !m.deleted);
  }

  replies(ts) {
    return this.list.filter((m) => m.threadTs === ts);
  }

  thread(ts) {
    return this.list.filter((m) => m.ts === ts || m.threadTs === ts);
  }
}

export class World {
  constructor({ random, changed }) {
    Object.assign(this, { random, changed });
    this.orgs = new Map();
    this.teams = new Map();
    this.users = new Map();
    this.channels = new Map();
    this.files = new Map();
    this.lastId = 0;
    this.lastTs = 0;
  }

  id(prefix) {
    return `${prefix}0${(++this.lastId).toString(36).toUpperCase().padStart(8, '0')}`;
  }

  // The id of a message: its microsecond, never used twice.
  ts() {
    this.lastTs = Math.max(Date.now() * 1000, this.lastTs + 1);
    return `${Math.floor(this.lastTs / 1e6)}.${String(this.lastTs % 1e6).padStart(6, '0')}`;
  }

  addOrg(name) {
    const org = { id: this.id('E'), name, teams: [] };
    this.orgs.set(org.id, org);
    return org;
  }

  addTeam(name, { org = null } = {}) {
    const team = { id: this.id('T'), name, domain: name.toLowerCase().replace(/[^a-z0-9]+/g, '-'), org };
    org?.teams.push(team);
    this.teams.set(team.id, team);
    return team;
  }

  addUser(team, name, fields = {}) {
    const user = { id: this.id(fields.prefix ?? 'U'), team, name, realName: `${name[0].toUpperCase()}${name.slice(1)} Example`, displayName: name, isBot: false, deleted: false, ...fields };
    this.users.set(user.id, user);
    return user;
  }

  addChannel(team, name, { kind = 'channel', members = [] } = {}) {
    const channel = new Channel(this, team, { id: this.id(kind === 'mpim' ? 'G' : 'C'), name, kind });
    this.channels.set(channel.id, channel);
    for (const user of members) channel.members.add(user.id);
    return channel;
  }

  // The one direct conversation of two.
  direct(a, b) {
    for (const channel of this.channels.values()) if (channel.kind === 'im' && channel.members.has(a.id) && channel.members.has(b.id)) return channel;
    const person = a.isBot ? b : a;
    const channel = new Channel(this, person.team, { id: this.id('D'), name: null, kind: 'im' });
    channel.members.add(a.id).add(b.id);
    channel.person = person;
    this.channels.set(channel.id, channel);
    return channel;
  }

  addFile(user, { name, bytes, mimetype = 'text/plain', ...fields }, base) {
    const id = fields.id ?? this.id('F'), team = user.team.id, world = this;
    const file = {
      id, name, bytes: Buffer.from(bytes), mimetype, user, team: user.team, shares: [], behaviour: 'plain', asked: 0, mode: 'hosted', ...fields,
      shown() {
        if (this.behaviour === 'stub') return { id, file_access: 'check_file_info' };
        if (this.behaviour === 'tombstone') return { id, mode: 'tombstone' };
        return this.full();
      },
      full() {
        const external = this.behaviour === 'external';
        return {
          id, name: this.name, title: this.title ?? this.name, mimetype: this.mimetype, filetype: this.name.split('.').at(-1), pretty_type: 'File', user: user.id, user_team: team,
          size: this.size ?? this.bytes.length, mode: external ? 'external' : this.mode, is_external: external, is_public: false, created: 1700000000, file_access: 'visible',
          url_private: this.url ?? `${base}/files-pri/${team}-${id}/${encodeURIComponent(this.name)}`,
          url_private_download: this.url ?? `${base}/files-pri/${team}-${id}/download/${encodeURIComponent(this.name)}`,
          permalink: `${base}/files/${user.id}/${id}`, shares: world.sharesOf(this),
        };
      },
    };
    this.files.set(id, file);
    return file;
  }

  sharesOf(file) {
    const shares = {};
    for (const m of file.shares) {
      const where = (shares[m.channel.private ? 'private' : 'public'] ??= {});
      (where[m.channel.id] ??= []).push({ ts: m.ts, ...(m.threadTs && { thread_ts: m.threadTs }) });
    }
    return shares;
  }

  // A new message, of a person or of an app; tells those who may see it.
  post(channel, fields, how = 'post') {
    const message = new Message(channel, this.ts(), fields);
    if (message.user && !message.user.isBot && !message.app) {
      message.clientMsgId = randomUUID();
      if (message.text) message.blocks ??= richText(message.text);
    }
    channel.messages.set(message.ts, message);
    for (const file of message.files) file.shares.push(message);
    message.wrote(how);
    if (broadcasts.test(message.text)) message.broadcast = true;
    this.changed(this.eventOf(message), channel, message);
    for (const id of new Set(mentionsOf(message.text)))
      if (channel.kind !== 'im') this.changed({ ...this.eventOf(message), type: 'app_mention', subtype: undefined, channel_type: undefined }, channel, message, id);
    return message;
  }

  eventOf(message) {
    const { channel } = message;
    return { ...message.shown(), channel: channel.id, channel_type: channel.kind, event_ts: message.ts };
  }

  // New words (or only a preview of a link) in an old message.
  change(message, fields, how, { editor = null, quiet = false } = {}) {
    const before = message.shown();
    const sameText = fields.text === undefined || fields.text === message.text;
    Object.assign(message, fields);
    if (editor && !sameText) message.edited = { user: editor.id, ts: this.ts() };
    message.wrote(how);
    if (broadcasts.test(message.text)) message.broadcast = true;
    const at = this.ts();
    if (!quiet)
      this.changed({ type: 'message', subtype: 'message_changed', hidden: true, message: message.shown(), previous_message: before,
        channel: message.channel.id, channel_type: message.channel.kind, ts: at, event_ts: at }, message.channel, message);
    return message;
  }

  remove(message) {
    const before = message.shown();
    message.deleted = true;
    const at = this.ts();
    this.changed({ type: 'message', subtype: 'message_deleted', hidden: true, deleted_ts: message.ts, previous_message: before,
      channel: message.channel.id, channel_type: message.channel.kind, ts: at, event_ts: at }, message.channel, message);
  }
}
