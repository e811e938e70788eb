// Apps, where they are installed, and the tokens they hold.
import { randomBytes } from 'node:crypto';

const hex = (n) => randomBytes(n).toString('hex');
const digits = () => String(Math.floor(1e11 + Math.random() * 8e11));

export const allScopes = ['app_mentions:read', 'assistant:write', 'channels:history', 'channels:read', 'chat:write', 'commands', 'files:read', 'files:write',
  'groups:history', 'groups:read', 'im:history', 'im:read', 'im:write', 'mpim:history', 'mpim:read', 'reactions:read', 'reactions:write', 'users:read'];

export const allEvents = ['app_mention', 'app_home_opened', 'app_context_changed', 'app_uninstalled', 'tokens_revoked', 'message.channels', 'message.groups',
  'message.im', 'message.mpim', 'reaction_added', 'agent_session_stopped', 'agent_session_title_changed', 'member_joined_channel', 'member_left_channel', 'assistant_thread_started'];

// The scope without which an event is not delivered.
const eventScope = {
  app_mention: 'app_mentions:read', 'message.channel': 'channels:history', 'message.group': 'groups:history', 'message.im': 'im:history', 'message.mpim': 'mpim:history',
  reaction_added: 'reactions:read', file_shared: 'files:read', agent_session_stopped: 'chat:write', agent_session_title_changed: 'chat:write', app_context_changed: 'assistant:write',
};
const subscription = { channel: 'message.channels', group: 'message.groups', im: 'message.im', mpim: 'message.mpim' };

export class Installation {
  constructor(app, { team = null, org = null, user, scopes }) {
    Object.assign(this, { app, team, org, user, scopes: [...scopes], tokens: [], refreshTokens: new Map(), active: true });
    const world = app.slack.world;
    this.bot = world.addUser(team ?? { id: null, org }, app.name.toLowerCase(), { isBot: true, app, team: team ?? org.teams[0] });
    this.bot.botId = this.botId = world.id('B');
    this.bot.installation = this;
  }

  get key() {
    return (this.org ?? this.team).id;
  }

  covers(team) {
    return this.org ? team.org === this.org : team === this.team;
  }

  // A bot token; with rotation two are alive at most, and a refresh token comes along.
  issue() {
    const { app } = this;
    const entry = { token: `${app.rotation ? 'xoxe.xoxb-1-' : 'xoxb-'}${digits()}-${digits()}-${hex(12)}`, revoked: null, expires: app.rotation ? Date.now() + app.tokenSeconds * 1000 : Infinity };
    const alive = this.tokens.filter((t) => !t.revoked);
    if (app.rotation && alive.length >= 2) alive[0].revoked = 'token_revoked';
    this.tokens.push(entry);
    app.slack.tokens.set(entry.token, { kind: 'bot', app, installation: this, entry });
    if (!app.rotation) return { access_token: entry.token };
    const refresh = `xoxe-1-${hex(40)}`;
    this.refreshTokens.set(refresh, { used: false });
    return { access_token: entry.token, refresh_token: refresh, expires_in: app.tokenSeconds };
  }

  get token() {
    return this.tokens.filter((t) => !t.revoked).at(-1)?.token;
  }

  revoke(why = 'token_revoked') {
    for (const t of this.tokens) t.revoked ??= why;
    for (const each of this.refreshTokens.values()) each.used = true;
  }
}

export class App {
  constructor(slack, options = {}) {
    const id = slack.world.id('A');
    Object.assign(this, {
      slack, id, name: 'Usher', socketMode: true, eventsUrl: null, commandsUrl: null, interactivityUrl: null, redirectUrls: [], rotation: false, tokenSeconds: 43_200,
      orgReady: true, distributed: false, events: allEvents, scopes: allScopes, commands: ['/usher'], shortcuts: ['ask'], interactive: true, agent: true, linkDisabled: false,
      clientId: `${digits()}.${digits()}`, clientSecret: hex(16), signingSecret: hex(16), appToken: `xapp-1-${id}-${digits()}-${hex(32)}`, installations: [], ...options,
    });
    slack.tokens.set(this.appToken, { kind: 'app', app: this, entry: { revoked: null, expires: Infinity } });
  }

  install({ team = null, org = null, user = null, scopes = this.scopes } = {}) {
    const old = this.installations.find((i) => i.key === (org ?? team).id && i.active);
    if (old) {
      old.scopes = [...new Set([...old.scopes, ...scopes])]; // scopes only ever grow
      old.granted = old.issue();
      return old;
    }
    const installation = new Installation(this, { team, org, user, scopes });
    installation.granted = installation.issue();
    this.installations.push(installation);
    return installation;
  }

  // The installation through which the app sees what happens there, or null.
  seenBy(inner, channel, mentioned) {
    const type = inner.type === 'message' && channel ? `message.${channel.kind}` : inner.type;
    if (!this.events.includes(inner.type === 'message' && channel ? subscription[channel.kind] : inner.type)) return null;
    return this.installations.find((i) => {
      if (!i.active) return false;
      if (channel && ![channel.team, ...channel.sharedWith].some((team) => i.covers(team))) return false;
      if (channel && !channel.members.has(i.bot.id) && !(inner.type === 'member_left_channel' && inner.user === i.bot.id)) return false;
      if (inner.type === 'app_mention' && mentioned !== i.bot.id) return false;
      return !eventScope[type] || i.scopes.includes(eventScope[type]);
    }) ?? null;
  }

  envelope(installation, inner, channel) {
    const { slack } = this;
    const clean = JSON.parse(JSON.stringify(inner));
    const home = slack.world.users.get(inner.user)?.team ?? channel?.team ?? installation.team;
    const team = channel?.sharedWith.length ? home : installation.team ?? channel?.team ?? home;
    return {
      token: 'deprecated', team_id: team?.id ?? null, ...(installation.org && { enterprise_id: installation.org.id }),
      context_team_id: (installation.team ?? channel?.team)?.id ?? null, context_enterprise_id: installation.org?.id ?? null,
      api_app_id: this.id, event: clean, type: 'event_callback', event_id: slack.world.id('Ev'), event_time: Math.floor(Date.now() / 1000),
      authorizations: [{ enterprise_id: installation.org?.id ?? null, team_id: installation.org ? (channel?.team.id ?? null) : installation.team.id, user_id: installation.bot.id, is_bot: true, is_enterprise_install: !!installation.org }],
      is_ext_shared_channel: !!channel?.sharedWith.length, event_context: `4-${Buffer.from(`${this.id}:${channel?.id ?? ''}`).toString('base64url')}`,
    };
  }
}
