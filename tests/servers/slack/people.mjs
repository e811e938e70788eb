// What people do in their clients: say, change, take back, command, click, stop.
import { randomUUID } from 'node:crypto';

export class People {
  constructor(slack) {
    this.slack = slack;
  }

  get world() {
    return this.slack.world;
  }

  // wants: the id that its answer must carry; counted by the tally.
  say(user, channel, text, { thread = null, files = [], subtype = files.length ? 'file_share' : null, wants = null, ...more } = {}) {
    const message = this.world.post(channel, { user, text, threadTs: thread?.root ?? thread ?? null, files, subtype, ...more });
    if (wants) this.slack.tally.expect(message, wants);
    return message;
  }

  // In the direct conversation with an app.
  tell(user, installation, text, options) {
    return this.say(user, this.world.direct(user, installation.bot), text, options);
  }

  edit(message, text) {
    return this.world.change(message, { text, blocks: null }, 'edit', { editor: message.user });
  }

  // A link got its preview: the message changed, and nobody said anything.
  unfurl(message) {
    return this.world.change(message, { attachments: [{ title: 'a page', from_url: 'https://example.org' }] }, 'unfurl');
  }

  remove(message) {
    this.world.remove(message);
  }

  upload(user, file) {
    return this.world.addFile(user, file, this.slack.base);
  }

  react(user, message, reaction) {
    this.world.changed({ type: 'reaction_added', user: user.id, reaction, item: { type: 'message', channel: message.channel.id, ts: message.ts }, item_user: message.user?.id, event_ts: this.world.ts() }, message.channel);
  }

  // Opens the pane where one talks to the agent.
  openPane(user, installation, tab = 'messages') {
    const channel = this.world.direct(user, installation.bot);
    this.world.changed({ type: 'app_home_opened', user: user.id, channel: channel.id, tab, event_ts: this.world.ts() }, channel);
    return channel;
  }

  // The Stop button of a growing answer.
  stop(user, message) {
    message.stream.state = 'stopped';
    this.world.changed({ type: 'agent_session_stopped', channel: message.channel.id, user: user.id, thread_ts: message.threadTs, streaming_message_ts: [message.ts], event_ts: this.world.ts() }, message.channel);
  }

  #responseUrl(kind, app, installation, channel, user, message = null) {
    const key = randomUUID();
    const entry = { key, app, installation, channel, user, message, uses: 0, until: Date.now() + this.slack.knobs.responseMs, posts: [] };
    this.slack.responseUrls.set(key, entry);
    return { entry, url: `${this.slack.base}/${kind}/${channel?.team.id ?? 'T'}/${key}` };
  }

  #trigger() {
    const id = `${Date.now()}.${randomUUID()}`;
    this.slack.triggers.set(id, Date.now() + this.slack.knobs.ackMs);
    return id;
  }

  // Resolves when the app has answered or three seconds are over; posts: what came over the response_url, also later.
  async command(user, installation, channel, command, text) {
    const { app, org } = installation;
    if (!app.commands.includes(command)) throw new Error(`${command} is not a valid command`);
    const { entry, url } = this.#responseUrl('commands', app, installation, channel, user);
    const { team } = user;
    const result = await this.slack.deliveries.command(app, {
      token: 'deprecated', team_id: team.id, team_domain: team.domain, ...((org ?? team.org) && { enterprise_id: (org ?? team.org).id, enterprise_name: (org ?? team.org).name }),
      channel_id: channel.id, channel_name: channel.kind === 'im' ? 'directmessage' : channel.name, user_id: user.id, user_name: user.name, command, text, api_app_id: app.id,
      is_enterprise_install: org ? 'true' : 'false', response_url: url, trigger_id: this.#trigger(),
    });
    if (result.shown) this.#show(entry, result.shown);
    return { ...result, entry };
  }

  async click(user, message, action) {
    const { channel, app } = message;
    const installation = message.user.installation;
    if (!app.interactive) throw new Error('the app takes no clicks');
    const { entry, url } = this.#responseUrl('actions', app, installation, channel, user, message);
    const result = await this.slack.deliveries.interaction(app, {
      type: 'block_actions', ...this.#who(user, installation), token: 'deprecated', api_app_id: app.id, trigger_id: this.#trigger(),
      container: { type: 'message', message_ts: message.ts, channel_id: channel.id, is_ephemeral: false, ...(message.threadTs && { thread_ts: message.threadTs }) },
      channel: { id: channel.id, name: channel.name ?? 'directmessage' }, message: message.shown(), response_url: url,
      actions: [{ action_ts: this.world.ts(), ...action }],
    });
    return { ...result, entry };
  }

  // "Ask usher about this" in the menu of a message.
  async shortcut(user, installation, message, callbackId) {
    const { app } = installation, { channel } = message;
    if (!app.interactive || !app.shortcuts.includes(callbackId)) throw new Error(`no shortcut ${callbackId}`);
    const { entry, url } = this.#responseUrl('app', app, installation, channel, user, message);
    const result = await this.slack.deliveries.interaction(app, {
      type: 'message_action', ...this.#who(user, installation), token: 'deprecated', api_app_id: app.id, callback_id: callbackId, trigger_id: this.#trigger(), action_ts: this.world.ts(),
      message_ts: message.ts, message: message.shown(), channel: { id: channel.id, name: channel.name ?? 'directmessage' }, response_url: url,
    });
    return { ...result, entry };
  }

  #who(user, { org }) {
    const { team } = user;
    return {
      team: org ? null : { id: team.id, domain: team.domain }, ...((org ?? team.org) && { enterprise: { id: (org ?? team.org).id, name: (org ?? team.org).name } }),
      is_enterprise_install: !!org, user: { id: user.id, username: user.name, name: user.name, team_id: team.id },
    };
  }

  // What arrives by a response_url. Returns Slack's answer.
  respond(key, body) {
    const entry = this.slack.responseUrls.get(key);
    if (!entry) return { status: 404, text: 'no_such_url' };
    if (entry.until < Date.now()) return { status: 404, text: 'expired_url' };
    if (++entry.uses > 5) return { status: 404, text: 'used_url' };
    this.#show(entry, body);
    return { status: 200, text: 'ok' };
  }

  #show(entry, body) {
    const { channel, app, installation } = entry;
    entry.posts.push(body);
    if (body.delete_original && entry.message) return this.world.remove(entry.message);
    if (body.replace_original && entry.message?.app === app) return void this.world.change(entry.message, { text: body.text ?? '', blocks: body.blocks ?? null }, 'update');
    if (body.response_type === 'in_channel')
      entry.message = this.world.post(channel, { app, user: installation.bot, botId: installation.botId, text: body.text ?? '', blocks: body.blocks ?? null, threadTs: body.thread_ts ?? null });
    else this.slack.ephemerals.push({ channel, user: entry.user, text: body.text ?? '', blocks: body.blocks ?? null, threadTs: body.thread_ts ?? null, by: installation });
  }
}
