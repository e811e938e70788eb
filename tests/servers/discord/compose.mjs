// From the body of a create or an edit to the fields of a message, with all that is refused (sheet 14, 15, 16).
import { badForm, refuse, unknown } from './refusal.mjs';
import { bits, flags } from './world.mjs';

export const createFields = ['content', 'nonce', 'enforce_nonce', 'tts', 'embeds', 'allowed_mentions', 'message_reference', 'components', 'sticker_ids', 'attachments', 'flags', 'poll', 'files'];
export const editFields = ['content', 'embeds', 'allowed_mentions', 'components', 'attachments', 'flags', 'files'];

const points = (text) => [...text].length;
const most = 2000;
const fileMost = 10 << 20;
const isId = (value) => /^\d{1,20}$/.test(String(value));

function text(content) {
  if (content === undefined || content === null) return '';
  if (typeof content !== 'string') badForm('content', 'BASE_TYPE_STRING', 'Could not interpret as string.');
  const trimmed = content.trim();
  if (points(trimmed) > most) badForm('content', 'BASE_TYPE_MAX_LENGTH', `Must be ${most} or fewer in length.`);
  return trimmed;
}

export function nonceOf({ nonce }) {
  if (nonce === undefined || nonce === null) return null;
  if (typeof nonce !== 'string' && !Number.isSafeInteger(nonce)) badForm('nonce', 'NONCE_TYPE_INVALID', 'Nonce must be a string or an integer.');
  if (String(nonce).length > 25) badForm('nonce', 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.');
  return nonce;
}

function button(one, at, seen) {
  if (one.type !== 2) {
    if (![3, 5, 6, 7, 8].includes(one.type)) badForm(`${at}.type`, 'UNION_TYPE_CHOICES', 'Value of field "type" must be one of (2, 3, 5, 6, 7, 8).');
  } else {
    if (![1, 2, 3, 4, 5].includes(one.style)) badForm(`${at}.style`, 'BASE_TYPE_CHOICES', 'Value must be one of {1, 2, 3, 4, 5}.');
    if (one.style === 5 ? !one.url : !one.custom_id) badForm(`${at}`, 'BUTTON_COMPONENT_CUSTOM_ID_REQUIRED', 'A custom id is required');
    if (!one.label && !one.emoji) badForm(`${at}`, 'COMPONENT_LABEL_EMOJI_REQUIRED', 'A label or emoji is required');
    if (points(one.label ?? '') > 80) badForm(`${at}.label`, 'BASE_TYPE_MAX_LENGTH', 'Must be 80 or fewer in length.');
  }
  if (one.custom_id === undefined) return;
  if (points(one.custom_id) < 1 || points(one.custom_id) > 100) badForm(`${at}.custom_id`, 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 100 in length.');
  if (seen.has(one.custom_id)) badForm(`${at}.custom_id`, 'COMPONENT_CUSTOM_ID_DUPLICATED', 'Component custom id cannot be duplicated');
  seen.add(one.custom_id);
}

function components(list, v2) {
  const seen = new Set();
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list) || (!v2 && list.length > 5)) badForm('components', 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 5 in length.');
  for (const [i, row] of list.entries()) {
    if (row.type !== 1) {
      if (!v2) badForm(`components.${i}.type`, 'UNION_TYPE_CHOICES', 'Value of field "type" must be one of (1,).');
      continue;
    }
    if (!Array.isArray(row.components) || row.components.length < 1 || row.components.length > 5) badForm(`components.${i}.components`, 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 5 in length.');
    for (const [j, one] of row.components.entries()) button(one, `components.${i}.components.${j}`, seen);
  }
  return list;
}

function embeds(list) {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list) || list.length > 10) badForm('embeds', 'BASE_TYPE_MAX_LENGTH', 'Must be 10 or fewer in length.');
  let sum = 0;
  for (const [i, e] of list.entries()) {
    const limits = { title: 256, description: 4096 };
    for (const [name, limit] of Object.entries(limits)) {
      if (points(e[name] ?? '') > limit) badForm(`embeds.${i}.${name}`, 'BASE_TYPE_MAX_LENGTH', `Must be ${limit} or fewer in length.`);
      sum += points(e[name] ?? '');
    }
  }
  if (sum > 6000) badForm('embeds', 'MAX_EMBED_SIZE_EXCEEDED', 'Embed size exceeds maximum size of 6000');
  return list.map((e) => ({ ...e, type: 'rich' }));
}

// Who gets a ping, of those who are mentioned (sheet 14). Without allowed_mentions everybody who may be.
export function pings(ctx, { content, guild, body, replied, webhook = false }) {
  const allowed = body.allowed_mentions, found = ctx.discord.world.mentioned(guild, content);
  if (allowed === undefined || allowed === null) {
    ctx.discord.counts.bareMentions++;
    return { users: [...found.mentions, ...(replied ? [replied] : [])].map((u) => u.id), roles: webhook ? [] : found.mentionRoles, everyone: !webhook && found.mentionEveryone };
  }
  const { parse = [], users, roles, replied_user: repliedUser = false } = allowed;
  if (!Array.isArray(parse) || parse.some((p) => !['users', 'roles', 'everyone'].includes(p))) badForm('allowed_mentions.parse', 'BASE_TYPE_CHOICES', "Value must be one of {'users', 'roles', 'everyone'}.");
  for (const [name, list] of [['users', users], ['roles', roles]]) {
    if (!list) continue;
    if (!Array.isArray(list) || list.length > 100) badForm(`allowed_mentions.${name}`, 'BASE_TYPE_MAX_LENGTH', 'Must be 100 or fewer in length.');
    if (!list.every(isId)) badForm(`allowed_mentions.${name}.0`, 'NUMBER_TYPE_COERCE', 'Value is not snowflake.');
    if (list.length && parse.includes(name)) badForm('allowed_mentions', 'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE', `parse:["${name}"] and ${name}: [ids...] are mutually exclusive.`);
  }
  const of = (name, list, given) => (parse.includes(name) ? list : list.filter((id) => given?.map(String).includes(id)));
  return {
    users: [...of('users', found.mentions.map((u) => u.id), users), ...(replied && repliedUser ? [replied.id] : [])],
    roles: of('roles', found.mentionRoles, roles), everyone: parse.includes('everyone') && found.mentionEveryone,
  };
}

function filesOf(ctx, channel, body, files, kept) {
  const { world } = ctx.discord, listed = body.attachments ?? [], made = [];
  if (!Array.isArray(listed)) badForm('attachments', 'BASE_TYPE_ARRAY', 'Must be a list.');
  if (files.size > 10) badForm('files', 'BASE_TYPE_MAX_LENGTH', 'Must be 10 or fewer in length.');
  for (const [index, file] of files) {
    if (file.bytes.length > fileMost) refuse(413, 40005, 'Request entity too large');
    const meta = listed.find((a) => String(a.id) === index), name = meta?.filename ?? file.name;
    if (/[\r\n"]/.test(name)) badForm('attachments.0.filename', 'BASE_TYPE_BAD_STRING', 'Invalid file name.');
    made.push({ ...world.addFile(channel, { name, type: file.type, bytes: file.bytes }), ...(meta?.description && { description: meta.description }) });
  }
  for (const [i, a] of listed.entries()) {
    const old = kept.find((k) => k.id === String(a.id));
    if (!old && !files.has(String(a.id))) badForm(`attachments.${i}.id`, 'ATTACHMENT_NOT_FOUND', `Attachment data not found for attachment ID: ${a.id}`);
    if (old) made.unshift(old);
  }
  return body.attachments === undefined || body.attachments === null ? [...kept, ...made] : made;
}

function settable(ctx, body, may, before) {
  const value = body.flags ?? before;
  if (!Number.isInteger(value)) badForm('flags', 'NUMBER_TYPE_COERCE', 'Value is not int.');
  if (body.flags !== undefined && body.flags !== null && (value & ~may) !== 0) badForm('flags', 'BITFIELD_INVALID', 'Invalid flags.');
  return value;
}

// What a message refers to: {type, reference, replied} of a new one.
export function referred(ctx, channel, asked) {
  if (asked === undefined || asked === null) return { type: 0, reference: null, replied: null };
  const { message_id: id, channel_id: at = channel.id, fail_if_not_exists: strict = true, type = 0 } = asked, from = ctx.discord.world.channels.get(String(at)), found = from?.find(String(id));
  if (!isId(id)) badForm('message_reference.message_id', 'NUMBER_TYPE_COERCE', `Value "${id}" is not snowflake.`);
  if (type === 1) {
    if (!found) badForm('message_reference', 'REPLIES_UNKNOWN_MESSAGE', 'Unknown message');
    return { type: 0, reference: { type: 1, message_id: found.id, channel_id: from.id, ...(from.guild && { guild_id: from.guild.id }) }, replied: null, snapshots: [{ message: { content: found.content, attachments: found.attachments, embeds: [], type: 0, timestamp: found.timestamp, edited_timestamp: null, flags: found.flags, mentions: [], mention_roles: [], components: [] } }] };
  }
  if (channel.guild && !ctx.may('READ_MESSAGE_HISTORY', channel)) refuse(400, 160002, 'You cannot reply without permission to read message history');
  if (!found || from !== channel) {
    if (strict || (found && from !== channel)) badForm('message_reference', 'REPLIES_UNKNOWN_MESSAGE', 'Unknown message');
    return { type: 0, reference: null, replied: null };
  }
  if (![0, 19, 20, 23].includes(found.type)) badForm('message_reference', 'REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE', 'Cannot reply to a system message');
  return { type: 19, reference: { type: 0, message_id: found.id, channel_id: channel.id, ...(channel.guild && { guild_id: channel.guild.id }) }, replied: found.author };
}

// The fields of a new message (before: null) or of one that changes. mayFlags: which flags may be set.
export function compose(ctx, channel, body, files, { before = null, replied = null, mayFlags = flags.suppressEmbeds | flags.silent | flags.voice | flags.components, webhook = false } = {}) {
  for (const name of Object.keys(body)) if (!(before ? editFields : createFields).includes(name)) ctx.discord.oddities.add(`${ctx.route.name}: ${name}`);
  const set = settable(ctx, body, mayFlags | (before?.flags ?? 0), before?.flags ?? 0), v2 = (set & flags.components) !== 0;
  if (v2 && (body.content || body.embeds?.length)) badForm('content', 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2', 'The "content" field cannot be used when using MessageFlags.IS_COMPONENTS_V2');
  const content = before && body.content === undefined ? before.content : text(body.content);
  const made = {
    content, flags: before ? (before.flags & ~may(set)) | set : set,
    embeds: before && body.embeds === undefined ? before.embeds : embeds(body.embeds),
    components: before && body.components === undefined ? before.components : components(body.components, v2),
    attachments: filesOf(ctx, channel, body, files, before?.attachments ?? []),
  };
  if (made.attachments.length > (before?.attachments.length ?? 0) && channel.guild && !webhook && !ctx.may('ATTACH_FILES', channel)) refuse(403, 50013, 'Missing Permissions');
  if (!made.content && !made.embeds.length && !made.attachments.length && !made.components.length && !body.sticker_ids?.length && !body.poll) refuse(400, 50006, 'Cannot send an empty message');
  const notified = pings(ctx, { content, guild: channel.guild, body, replied, webhook }), { users } = ctx.discord.world, found = ctx.discord.world.mentioned(channel.guild, content);
  if (notified.everyone && channel.guild && !ctx.may('MENTION_EVERYONE', channel)) notified.everyone = false;
  return { ...made, pings: notified, mentions: [...new Set([...found.mentions, ...notified.users.map((id) => users.get(id)).filter(Boolean)])], mentionRoles: notified.roles, mentionEveryone: notified.everyone, body };
}

const may = () => flags.suppressEmbeds;

export const permission = (name) => 1n << BigInt(bits[name]);
// A whisper is not found by its id.
export function findMessage(channel, id) {
  const message = channel.find(id);
  return message && !message.ephemeral ? message : unknown.message();
}
