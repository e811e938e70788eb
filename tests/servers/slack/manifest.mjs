// What the app-management site makes of a manifest: what it refuses, and the app that results.
const characters = (text) => [...text].length;

const texts = [ // path, least, most
  ['display_information.name', 1, 35], ['display_information.description', 0, 140], ['display_information.long_description', 0, 4000],
  ['features.bot_user.display_name', 1, 80], ['features.agent_view.agent_description', 0, 300],
];
const known = {
  '': ['_metadata', 'display_information', 'features', 'oauth_config', 'settings'],
  display_information: ['name', 'description', 'long_description', 'background_color'],
  features: ['app_home', 'bot_user', 'agent_view', 'assistant_view', 'shortcuts', 'slash_commands', 'unfurl_domains'],
  oauth_config: ['redirect_urls', 'scopes'],
  settings: ['event_subscriptions', 'interactivity', 'socket_mode_enabled', 'org_deploy_enabled', 'token_rotation_enabled', 'allowed_ip_address_ranges'],
};
const eventScope = {
  app_mention: 'app_mentions:read', 'message.channels': 'channels:history', 'message.groups': 'groups:history', 'message.im': 'im:history', 'message.mpim': 'mpim:history',
  reaction_added: 'reactions:read', reaction_removed: 'reactions:read', file_shared: 'files:read', member_joined_channel: 'channels:read', agent_session_stopped: 'chat:write',
  agent_session_title_changed: 'chat:write', app_context_changed: 'assistant:write', app_home_opened: null, app_uninstalled: null, tokens_revoked: null, app_rate_limited: null, assistant_thread_started: null,
};

const at = (value, path) => path.split('.').filter(Boolean).reduce((v, name) => v?.[name], value);

// A list of what is wrong; empty when the site would take it.
export function manifestFaults(m) {
  const faults = [];
  for (const [path, names] of Object.entries(known))
    for (const name of Object.keys(at(m, path) ?? {})) if (!names.includes(name)) faults.push(`${path}.${name}: unknown`);
  for (const [path, least, most] of texts) {
    const value = at(m, path);
    if (value === undefined && least === 0) continue;
    if (typeof value !== 'string' || characters(value) < least || characters(value) > most) faults.push(`${path}: ${least} to ${most} characters`);
  }
  if (!/^[a-z0-9._-]+$/.test(at(m, 'features.bot_user.display_name') ?? '')) faults.push('features.bot_user.display_name: a-z 0-9 - _ .');
  const scopes = at(m, 'oauth_config.scopes.bot') ?? [], events = at(m, 'settings.event_subscriptions.bot_events') ?? [];
  for (const event of events) {
    if (!Object.hasOwn(eventScope, event)) faults.push(`bot_events: ${event} is unknown`);
    else if (eventScope[event] && !scopes.includes(eventScope[event])) faults.push(`bot_events: ${event} needs ${eventScope[event]}`);
  }
  if (at(m, 'features.agent_view') && !scopes.includes('assistant:write')) faults.push('agent_view needs assistant:write');
  const commands = at(m, 'features.slash_commands') ?? [], shortcuts = at(m, 'features.shortcuts') ?? [], prompts = at(m, 'features.agent_view.suggested_prompts') ?? [];
  if (prompts.length > 4 || prompts.some((p) => !p?.title || !p?.message)) faults.push('suggested_prompts: at most 4 of title and message');
  for (const c of commands) if (!/^\/[^\s/]{1,31}$/.test(c.command) || !c.description) faults.push(`slash_commands: ${c.command}`);
  for (const s of shortcuts) if (!['global', 'message'].includes(s.type) || !s.name || !s.callback_id || !s.description || characters(s.description) > 150) faults.push(`shortcuts: ${s.name}`);
  if (commands.length && !scopes.includes('commands')) faults.push('slash_commands need the scope commands');
  const socket = at(m, 'settings.socket_mode_enabled') === true, url = at(m, 'settings.event_subscriptions.request_url');
  if (!socket && events.length && !/^https:\/\//.test(url ?? '')) faults.push('event_subscriptions.request_url: needed without Socket Mode');
  if (!socket && commands.some((c) => !/^https:\/\//.test(c.url ?? ''))) faults.push('slash_commands.url: needed without Socket Mode');
  if (!socket && at(m, 'settings.interactivity.is_enabled') && !/^https:\/\//.test(at(m, 'settings.interactivity.request_url') ?? '')) faults.push('interactivity.request_url');
  for (const each of at(m, 'oauth_config.redirect_urls') ?? []) if (!/^https:\/\//.test(each)) faults.push(`redirect_urls: ${each}`);
  return faults;
}

// For Slack.addApp.
export const appOf = (m) => ({
  name: m.display_information.name, socketMode: at(m, 'settings.socket_mode_enabled') === true, scopes: at(m, 'oauth_config.scopes.bot') ?? [],
  events: at(m, 'settings.event_subscriptions.bot_events') ?? [], commands: (at(m, 'features.slash_commands') ?? []).map((c) => c.command),
  shortcuts: (at(m, 'features.shortcuts') ?? []).map((s) => s.callback_id), interactive: at(m, 'settings.interactivity.is_enabled') === true, agent: !!at(m, 'features.agent_view'),
  redirectUrls: at(m, 'oauth_config.redirect_urls') ?? [], orgReady: at(m, 'settings.org_deploy_enabled') === true, rotation: at(m, 'settings.token_rotation_enabled') === true,
  eventsUrl: at(m, 'settings.event_subscriptions.request_url') ?? null, commandsUrl: (at(m, 'features.slash_commands') ?? [])[0]?.url ?? null, interactivityUrl: at(m, 'settings.interactivity.request_url') ?? null,
});
