// Application commands, global and of guilds (sheet 11). Every PUT is counted.
import { badForm, noAccess, refuse, unknown } from './refusal.mjs';

const namePattern = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;

function checkName(name, at, menu) {
  if (typeof name !== 'string' || (menu ? [...name].length < 1 || [...name].length > 32 : !namePattern.test(name) || name !== name.toLowerCase())) badForm(`${at}name`, 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
}

function checkText(text, at) {
  if (typeof text !== 'string' || [...text].length < 1 || [...text].length > 100) badForm(`${at}description`, 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 100 in length.');
}

function check(command, at = '') {
  const { type = 1, name, description = '', options = [] } = command;
  checkName(name, at, type !== 1);
  if (type === 1) checkText(description, at);
  else if (description !== '') badForm(`${at}description`, 'APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED', 'Context menu commands cannot have description');
  if (options.length > 25) badForm(`${at}options`, 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.');
  let optional = false;
  for (const [i, o] of options.entries()) {
    checkName(o.name, `${at}options.${i}.`, false);
    checkText(o.description, `${at}options.${i}.`);
    if (o.required && optional) badForm(`${at}options.${i}`, 'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID', 'Required options must be placed before non-required options');
    optional ||= !o.required;
  }
}

function scope(ctx) {
  if (ctx.params.application !== ctx.app.id) refuse(403, 20012, 'You are not authorized to perform this action on this application');
  const { guild } = ctx.params;
  if (guild && !ctx.discord.world.guilds.get(guild)?.has(ctx.app.user)) noAccess();
  return guild ?? '';
}

function made(ctx, command) {
  const { guild } = ctx.params, { discord, app } = ctx;
  return { default_member_permissions: null, nsfw: false, contexts: null, integration_types: [0], ...command, options: command.options ?? [], type: command.type ?? 1, description: command.description ?? '', id: discord.world.flakes.next(),
    application_id: app.id, version: discord.world.flakes.next(), ...(guild && { guild_id: guild }) };
}

function putAll(ctx) {
  const { app, discord, body } = ctx, where = scope(ctx);
  if (!Array.isArray(body)) badForm('', 'LIST_TYPE_CONVERT', 'Only lists may be used here');
  for (const [i, command] of body.entries()) check(command, `${i}.`);
  for (const [type, most] of [[1, 100], [2, 15], [3, 15]]) if (body.filter((c) => (c.type ?? 1) === type).length > most) refuse(400, 30032, 'Maximum number of application commands reached');
  if (new Set(body.map((c) => `${c.type ?? 1} ${c.name}`)).size !== body.length) badForm('', 'APPLICATION_COMMANDS_DUPLICATE_NAME', 'Application command names must be unique');
  discord.puts.push({ app, guild: where || null, at: Date.now(), commands: body });
  const old = app.commands.get(where) ?? [], list = body.map((c) => {
    const same = old.find((o) => o.name === c.name && o.type === (c.type ?? 1));
    return same ? { ...made(ctx, c), id: same.id } : made(ctx, c);
  });
  app.commands.set(where, list);
  return list;
}

function add(ctx) {
  const { app, body } = ctx, where = scope(ctx), list = app.commands.get(where) ?? [];
  check(body);
  const old = list.find((c) => c.name === body.name && c.type === (body.type ?? 1)), command = { ...made(ctx, body), ...(old && { id: old.id }) };
  app.commands.set(where, [...list.filter((c) => c !== old), command]);
  return { status: old ? 200 : 201, body: command };
}

function change(ctx, remove = false) {
  const { app, body, params } = ctx, where = scope(ctx), list = app.commands.get(where) ?? [], old = list.find((c) => c.id === params.command) ?? unknown.command();
  if (remove) return void app.commands.set(where, list.filter((c) => c !== old));
  Object.assign(old, body);
  check(old);
  return old;
}

const all = (ctx) => ctx.app.commands.get(scope(ctx)) ?? [];
const one = (ctx) => all(ctx).find((c) => c.id === ctx.params.command) ?? unknown.command();

export const commandRoutes = ['/applications/:application/commands', '/applications/:application/guilds/:guild/commands'].flatMap((at) => [
  ['GET', at, all],
  ['PUT', at, putAll, { limit: [2, 60] }],
  ['POST', at, add, { limit: [5, 20] }],
  ['GET', `${at}/:command`, one],
  ['PATCH', `${at}/:command`, (ctx) => change(ctx)],
  ['DELETE', `${at}/:command`, (ctx) => change(ctx, true)],
]);
