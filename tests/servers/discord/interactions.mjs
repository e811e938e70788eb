// Interactions (sheet 10): made by people, delivered over the gateway or signed over HTTP, answered once within three seconds, and
// followed up while their token lives. Webhook events (sheet 3.1) go the same signed way.
import { randomBytes } from 'node:crypto';
import { compose } from './compose.mjs';
import { badForm, refuse } from './refusal.mjs';
import { flags } from './world.mjs';

class Interaction {
  constructor(discord, app, type, { user, channel, data, message = null, installed = 'guild' }) {
    Object.assign(this, { discord, app, type, user, channel, guild: channel.guild, data, message, id: discord.world.flakes.next(), token: randomBytes(90).toString('base64url'), made: Date.now(), delivered: [],
      response: null, answeredAt: null, original: null, followups: [], replaced: false, failed: null, choices: null, modal: null, status: null });
    this.owners = installed === 'user' ? { 1: user.id } : { 0: this.guild?.id ?? '0' };
    this.userOnly = installed === 'user';
  }

  get alive() {
    return Date.now() - this.made < this.discord.knobs.tokenMs && (this.answeredAt !== null || Date.now() - this.made < this.discord.knobs.interactionMs);
  }

  get whispered() {
    return this.original?.ephemeral ?? false;
  }

  // What the person reads: texts that still stand, oldest first; the "thinking" message is none.
  get texts() {
    return [this.original, ...this.followups].filter((m) => m && !m.deleted && !(m.flags & flags.loading)).map((m) => m.content);
  }

  get answer() {
    return this.texts[0] ?? null;
  }

  shown() {
    const { app, guild, channel, user, message } = this, may = guild ? guild.permissions(user, channel) : ~0n & ((1n << 53n) - 1n);
    return {
      id: this.id, application_id: app.id, type: this.type, token: this.token, version: 1, locale: 'en-US', entitlements: [], authorizing_integration_owners: this.owners, attachment_size_limit: 10 << 20,
      context: guild ? 0 : 1, channel_id: channel.id, channel: { ...channel.shown(), permissions: String(may) }, app_permissions: String(app.permissions(channel)),
      ...(guild ? { guild_id: guild.id, guild: { id: guild.id, locale: 'en-US', features: [] }, guild_locale: 'en-US', member: { ...guild.memberShown(user, true), permissions: String(may) } } : { user: user.shown() }),
      ...(this.data && { data: this.data }), ...(message && { message: message.shown({ app }) }),
    };
  }
}

export class Interactions {
  constructor(discord) {
    Object.assign(this, { discord, all: new Map(), byToken: new Map(), posts: [] }); // posts: {app, kind, body, status, answer} over HTTP
  }

  make(app, type, fields) {
    const made = new Interaction(this.discord, app, type, fields);
    this.all.set(made.id, made);
    this.byToken.set(made.token, made);
    this.deliver(made);
    return made;
  }

  // Also once more, as it happens.
  deliver(interaction) {
    const { app, guild } = interaction, { knobs } = this.discord;
    interaction.delivered.push(Date.now());
    if (app.interactionsUrl) void this.#byHttp(interaction);
    else this.discord.sessions.tell(app, guild, 0, 'INTERACTION_CREATE', interaction.shown());
    this.discord.after(knobs.interactionMs / 2, () => this.discord.after(knobs.interactionMs / 2, () => {
      if (interaction.answeredAt !== null || interaction.failed) return;
      interaction.failed = 'The application did not respond';
      this.discord.counts.unanswered++;
    }));
  }

  async #byHttp(interaction) {
    const { app } = interaction, { status, body, type } = await this.post(app, app.interactionsUrl, JSON.stringify(interaction.shown()));
    interaction.status = status;
    if (status === 202) return;
    if (status !== 200 || !/^application\/json/.test(type ?? '') || typeof body?.type !== 'number') return void (interaction.failed ??= `HTTP ${status}`);
    try {
      this.respond(interaction, body, new Map(), { name: 'HTTP' });
    } catch (error) {
      interaction.failed ??= error.message;
    }
  }

  // A signed request to an address of ours: {status (0: none), body, type}. wrong: 'signature', 'none' or 'time' (stale).
  async post(app, url, text, { wrong = null, ms = this.discord.knobs.interactionMs, at } = {}) {
    const target = this.discord.resolved(url), entry = { app, url, body: text, status: 0, answer: null, at: Date.now() };
    const headers = wrong === 'none' ? {} : app.signed(text, { wrong: wrong === 'signature', at: at ?? (wrong === 'time' ? Math.floor(Date.now() / 1000) - 3600 : undefined) });
    this.posts.push(entry);
    const late = new AbortController(), half = (then) => this.discord.after(ms / 2, then);
    half(() => half(() => late.abort())); // in halves: what came while this process had no turn is seen first
    try {
      const answer = await fetch(target, { method: 'POST', body: text, headers: { 'content-type': 'application/json', 'user-agent': 'Discord-Interactions/1.0 (+https://discord.com)', ...headers }, signal: late.signal });
      const raw = await answer.text();
      Object.assign(entry, { status: answer.status, answer: raw });
      return { status: answer.status, body: raw && /json/.test(answer.headers.get('content-type') ?? '') ? JSON.parse(raw) : null, raw, type: answer.headers.get('content-type') };
    } catch {
      return { status: 0, body: null, raw: '', type: null };
    }
  }

  // What the portal does when the address is entered, and now and then later: a PING must be answered, wrong signatures refused. Null: all is well.
  async checkUrl(app, url) {
    const ping = JSON.stringify({ application_id: app.id, id: this.discord.world.flakes.next(), token: 't', type: 1, version: 1 });
    const good = await this.post(app, url, ping);
    if (good.status !== 200 || good.body?.type !== 1) return `PING was answered with ${good.status} ${good.raw}`;
    for (const wrong of ['signature', 'none']) if ((await this.post(app, url, ping, { wrong })).status !== 401) return `a wrong signature (${wrong}) was not answered with 401`;
    return null;
  }

  async checkEventsUrl(app, url) {
    const ping = JSON.stringify({ version: 1, application_id: app.id, type: 0 }), good = await this.post(app, url, ping);
    if (good.status !== 204 || good.raw !== '') return `PING was answered with ${good.status} ${good.raw}`;
    if (!good.type) return 'the answer to a PING has no Content-Type';
    for (const wrong of ['signature', 'none']) if ((await this.post(app, url, ping, { wrong })).status !== 401) return `a wrong signature (${wrong}) was not answered with 401`;
    return null;
  }

  // A webhook event, tried again until it is taken. Returns how often it was sent; times: it comes so often though it was taken.
  async event(app, type, data, { timestamp = new Date().toISOString(), times = 1 } = {}) {
    const text = JSON.stringify({ version: 1, application_id: app.id, type: 1, event: { type, timestamp, data } });
    let sent = 0;
    for (let taken = 0; taken < times && !this.discord.stopped && sent < 50; ) {
      const { status } = app.eventsUrl ? await this.post(app, app.eventsUrl, text) : { status: 204 };
      sent++;
      if (status === 204) taken++;
      else await this.discord.pause(this.discord.knobs.eventRetryMs * Math.min(sent, 10));
    }
    return sent;
  }

  // The first response (sheet 10.3). route: for the account of odd arguments.
  respond(interaction, { type, data = {} }, files, route) {
    const { discord } = this, ctx = { discord, app: interaction.app, may: () => true, route };
    if (interaction.answeredAt !== null) refuse(400, 40060, 'Interaction has already been acknowledged.');
    if (!interaction.alive) refuse(404, 10062, 'Unknown interaction');
    const allowed = { 2: [4, 5, 9], 3: [4, 5, 6, 7, 9], 4: [8], 5: [4, 5, 6, 7] }[interaction.type];
    if (!allowed.includes(type)) badForm('type', 'INTERACTION_APPLICATION_COMMAND_INVALID_CALLBACK_TYPE', 'Value of field "type" is not allowed for this interaction.');
    if (type === 4) interaction.original = this.#post(interaction, ctx, data, files);
    else if (type === 5) {
      if (data.flags & ~flags.ephemeral) badForm('data.flags', 'BITFIELD_INVALID', 'Invalid flags.');
      interaction.original = this.#add(interaction, { content: '', flags: flags.loading | (data.flags ?? 0) });
    } else if (type === 7) interaction.original = discord.world.change(interaction.message, compose(ctx, interaction.channel, data, files, { before: interaction.message, webhook: true }));
    else if (type === 6) interaction.original = interaction.message;
    else if (type === 8) interaction.choices = data.choices;
    else if (type === 9) interaction.modal = data;
    Object.assign(interaction, { answeredAt: Date.now(), response: type });
    discord.counts.responses[type] = (discord.counts.responses[type] ?? 0) + 1;
  }

  #add(interaction, fields) {
    const { app, channel, type } = interaction;
    return this.discord.world.post(channel, { author: app.user, app, webhookId: app.id, interaction, type: type === 2 ? (interaction.data.type === 1 ? 20 : 23) : 0, ...fields });
  }

  #post(interaction, ctx, body, files) {
    const mayFlags = flags.suppressEmbeds | flags.ephemeral | flags.silent | flags.voice | flags.components;
    return this.#add(interaction, compose(ctx, interaction.channel, body, files, { mayFlags, webhook: true }));
  }

  // The token of the path names the interaction.
  living(token, appId) {
    const interaction = this.byToken.get(token);
    if (!interaction || interaction.app.id !== appId) refuse(404, 10015, 'Unknown Webhook');
    if (Date.now() - interaction.made >= this.discord.knobs.tokenMs) refuse(401, 50027, 'Invalid Webhook Token');
    if (interaction.answeredAt === null) refuse(404, 10015, 'Unknown Webhook');
    return interaction;
  }

  follow(interaction, ctx, body, files) {
    const inner = { ...ctx, app: interaction.app, may: () => true };
    if (interaction.original && interaction.original.flags & flags.loading && interaction.response === 5) return this.change(interaction, interaction.original, inner, body, files); // as it was of old
    if (interaction.userOnly && interaction.followups.length >= 5) refuse(400, 40094, 'Maximum number of follow-up messages reached');
    const message = this.#post(interaction, inner, body, files);
    interaction.followups.push(message);
    this.discord.follows.push({ app: interaction.app, interaction, message, body, at: Date.now() });
    return message;
  }

  change(interaction, message, ctx, body, files) {
    const inner = { ...ctx, app: interaction.app, may: () => true }, fields = compose(inner, interaction.channel, body, files, { before: message, mayFlags: flags.suppressEmbeds | flags.components, webhook: true });
    return this.discord.world.change(message, { ...fields, flags: fields.flags & ~flags.loading }, { edited: !(message.flags & flags.loading) });
  }

  // '@original' or an id.
  message(interaction, id) {
    const found = id === '@original' ? interaction.original : interaction.followups.find((m) => m.id === id) ?? (interaction.original?.id === id ? interaction.original : null);
    if (!found || found.deleted) refuse(404, 10008, 'Unknown Message');
    return found;
  }
}
