// The bots: tokens, what they may see, the queue of their updates, their commands and their webhook.
import { randomBytes } from 'node:crypto';
import { Chat, User } from './world.mjs';

// Every kind of update; the last ones come only when they are asked for by name.
export const kinds = ['message', 'edited_message', 'channel_post', 'edited_channel_post', 'callback_query', 'my_chat_member', 'stopped_message_generation', 'inline_query', 'poll', 'chat_join_request',
  'chat_member', 'message_reaction', 'message_reaction_count'];
const named = ['chat_member', 'message_reaction', 'message_reaction_count'];
export const usualKinds = kinds.filter((kind) => !named.includes(kind));

export class Bot extends User {
  constructor(telegram, id, username, { privacy = true, ...fields }) {
    super({ id, username, isBot: true, firstName: username.replace(/_?bot$/i, ''), ...fields });
    Object.assign(this, { telegram, privacy });
    this.token = `${id}:AA${randomBytes(25).toString('base64url').slice(0, 33)}`;
    this.tokenDead = false;
    this.privates = new Map(); // user id -> chat
    this.blockedBy = new Set();
    this.queue = []; // {id, kind, json, group, message, until, handed, taken, takenAt}
    this.nextUpdate = 700_000_000 + Math.floor(telegram.world.random() * 1000);
    this.allowed = usualKinds;
    this.webhook = null; // {url, secret, maxConnections, ip, lastError, lastErrorDate}
    this.commands = new Map(); // scope and language -> list
    this.callbacks = new Map();
    this.conflicts = 0;
  }

  revoke() {
    this.telegram.bots.delete(this.token);
    this.token = `${this.id}:AA${randomBytes(25).toString('base64url').slice(0, 33)}`;
    this.telegram.bots.set(this.token, this);
    return this.token;
  }

  privateWith(user) {
    if (!this.privates.has(user.id)) this.privates.set(user.id, new Chat(this.telegram.world, { id: user.id, type: 'private', user, bot: this }));
    return this.privates.get(user.id);
  }

  // Whether a message of a group is for it, by the rules of privacy mode.
  sees(kind, chat, message) {
    if (chat.type === 'private') return chat.bot === this;
    if (!chat.isIn(this) && !(message.service && message.about === this)) return false;
    if (message.bot === this || (message.from?.isBot && message.from.id !== 1087968824)) return false; // bots do not hear each other
    if (chat.type === 'channel' || !this.privacy || chat.statusOf(this) === 'administrator' || message.service) return true;
    const replied = message.replyTo;
    if (replied && (replied.bot === this || replied.more?.via_bot?.id === this.id)) return true;
    const text = message.words;
    const command = (message.text !== null ? message.entities : message.captionEntities).find((e) => e.type === 'bot_command');
    if (command) {
      const to = text.slice(command.offset, command.offset + command.length).split('@')[1];
      if (to ? to.toLowerCase() === this.username.toLowerCase() : chat.lastBot === this) return true;
    }
    return this.telegram.knobs.privacyMentions && text.toLowerCase().includes(`@${this.username.toLowerCase()}`);
  }

  push(kind, value, group, message = null, seconds = 86_400) {
    if (!this.allowed.includes(kind)) return null;
    const update = { id: this.nextUpdate++, kind, json: { [kind]: value }, group, message, until: Date.now() + seconds * this.telegram.knobs.secondMs, handed: 0, taken: false };
    this.queue.push(update);
    message?.updates.push(update);
    this.telegram.counts.updates++;
    this.telegram.updates.wake(this);
    this.telegram.webhooks.wake(this);
    return update;
  }

  // A week without updates: ids go on somewhere else. The queue must be empty, as it is then.
  restartIds(at) {
    if (this.queue.length) throw new Error('there are updates waiting');
    this.nextUpdate = at;
  }

  // What `gone` says is confirmed.
  take(gone) {
    for (const u of this.queue) if (gone(u)) Object.assign(u, { taken: true, takenAt: Date.now() });
    this.queue = this.queue.filter((u) => !u.taken);
  }

  dropUpdates() {
    this.queue = [];
  }
}
