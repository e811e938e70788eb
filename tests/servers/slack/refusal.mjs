// What a method throws to answer "ok": false.
export class Refusal extends Error {
  constructor(code, messages = null, more = {}) {
    super(code);
    Object.assign(this, { code, messages, more });
  }
}

export const refuse = (code, ...rest) => {
  throw new Refusal(code, ...rest);
};

// The channel of a call, as the token may see it; a person's id means the direct conversation with them.
export function channelOf({ world, installation, args }, { name = 'channel', member = false, open = false } = {}) {
  const id = args[name];
  if (typeof id !== 'string') refuse('channel_not_found');
  if (open && /^[UW]/.test(id)) {
    const user = world.users.get(id);
    if (!user || !installation.covers(user.team)) refuse('channel_not_found');
    return world.direct(installation.bot, user);
  }
  const channel = world.channels.get(id);
  const sees = channel && [channel.team, ...channel.sharedWith].some((team) => installation.covers(team));
  if (!sees || (channel.private && !channel.members.has(installation.bot.id))) refuse('channel_not_found');
  if (member && !channel.members.has(installation.bot.id)) refuse('not_in_channel');
  return channel;
}

export function messageOf(channel, ts, code = 'message_not_found') {
  const message = typeof ts === 'string' ? channel.messages.get(ts) : undefined;
  if (!message || message.deleted) refuse(code);
  return message;
}

// Numbers and truth values come as texts in forms.
export const truth = (value) => value === true || value === 'true' || value === '1' || value === 1;

export function number(value, fallback, least, most, code = 'invalid_limit') {
  if (value === undefined || value === '') return fallback;
  const n = Number(value);
  if (!Number.isInteger(n) || n < least || n > most) refuse(code);
  return n;
}

// One page of a list, and the cursor of the next one.
export function page(list, args, fallback, most) {
  const limit = number(args.limit, fallback, 1, most);
  let from = 0;
  if (args.cursor) {
    const text = Buffer.from(String(args.cursor), 'base64').toString('utf8');
    if (!/^next:\d+$/.test(text)) refuse('invalid_cursor');
    from = Number(text.slice(5));
  }
  const more = from + limit < list.length;
  return { list: list.slice(from, from + limit), more, response_metadata: { next_cursor: more ? Buffer.from(`next:${from + limit}`).toString('base64') : '' } };
}
