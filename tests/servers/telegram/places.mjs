// Where something goes: the chat, the topic and the message it answers, each as the bot may use it.
import { bad, integer, refuse, structure, textOf, truth } from './refusal.mjs';

const word = { group: 'group', supergroup: 'supergroup', channel: 'channel' };

// access: read, edit, write.
export function chatOf({ telegram, bot, args }, access = 'write', name = 'chat_id') {
  const text = textOf(args[name]);
  if (text === '') bad(`${name} is empty`);
  const { world } = telegram;
  let chat;
  if (text.startsWith('@')) {
    chat = [...world.chats.values()].find((c) => c.username?.toLowerCase() === text.slice(1).toLowerCase());
  } else {
    const id = Number(text);
    chat = bot.privates.get(id) ?? world.chats.get(id);
    const user = world.users.get(id);
    if (!chat && user?.isBot) refuse(403, "bot can't send messages to the bot");
    if (!chat && user && [...world.chats.values()].some((c) => c.isIn(user) && c.isIn(bot))) refuse(403, "bot can't initiate conversation with a user");
  }
  if (!chat || (chat.type !== 'private' && !chat.members.has(bot.id))) bad('chat not found');
  if (chat.type === 'private') {
    if (chat.user.deactivated && access !== 'read') refuse(403, 'user is deactivated');
    if (bot.blockedBy.has(chat.user.id) && access === 'write') refuse(403, 'bot was blocked by the user');
    return chat;
  }
  if (chat.migratedTo && access !== 'read') bad('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: chat.migratedTo.id });
  if (chat.statusOf(bot) === 'kicked') refuse(403, `bot was kicked from the ${word[chat.type]} chat`);
  if (!chat.isIn(bot) && !chat.migratedTo) refuse(403, `bot is not a member of the ${word[chat.type]} chat`);
  if (chat.type === 'channel' && access === 'write' && chat.statusOf(bot) !== 'administrator') bad('need administrator rights in the channel chat');
  return chat;
}

export function topicOf({ telegram, args }, chat, { anyThread = false } = {}) {
  const id = integer(args.message_thread_id);
  if (chat.isForum) {
    if (id === 0) return chat.topics.get(1);
    const topic = chat.topics.get(id);
    if ((id === 1 && !anyThread) || !topic || topic.gone) bad('message thread not found');
    return topic;
  }
  // The server of May 2026 ignores it in groups without topics; older ones refuse it.
  if (id !== 0 && (chat.type === 'private' || telegram.knobs.strictThreads)) bad('message thread not found');
  return null;
}

export function messageOf(chat, id, what) {
  const message = chat.messages.get(integer(id));
  if (!message || message.deleted) bad(`${what} not found`);
  return message;
}

// {replyTo, quote}
export function replyOf(context, chat) {
  const { args, telegram } = context;
  const given = structure(args.reply_parameters, 'reply parameters') ?? (args.reply_to_message_id ? { message_id: args.reply_to_message_id, allow_sending_without_reply: args.allow_sending_without_reply } : null);
  const id = integer(given?.message_id);
  if (!given || id <= 0) return { replyTo: null, quote: null };
  const there = given.chat_id !== undefined && String(given.chat_id) !== String(args.chat_id) ? chatOf({ ...context, args: given }, 'read') : chat;
  const replyTo = there.messages.get(id);
  if (!replyTo || replyTo.deleted) {
    if (truth(given.allow_sending_without_reply) && there === chat) return { replyTo: null, quote: null };
    bad('message to be replied not found');
  }
  const quote = textOf(given.quote);
  if (quote !== '' && !replyTo.words.includes(quote)) bad('QUOTE_TEXT_INVALID');
  telegram.counts.answersByReply++;
  return { replyTo, quote: quote === '' ? null : { text: quote, position: replyTo.words.indexOf(quote), is_manual: true } };
}

const kinds = ['url', 'callback_data', 'callback_game', 'pay', 'switch_inline_query', 'switch_inline_query_chosen_chat', 'switch_inline_query_current_chat', 'login_url', 'web_app', 'copy_text'];

export function markupOf({ args }) {
  const markup = structure(args.reply_markup, 'reply keyboard markup');
  if (markup === null) return null;
  if (typeof markup !== 'object' || Array.isArray(markup)) bad('Object expected as reply markup');
  const rows = markup.inline_keyboard;
  if (rows === undefined) return markup.keyboard || markup.remove_keyboard || markup.force_reply ? markup : null;
  if (!Array.isArray(rows)) bad("Field \"inline_keyboard\" must be of type Array");
  for (const row of rows) {
    if (!Array.isArray(row)) bad('Field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays');
    for (const button of row) button_(button);
  }
  const kept = rows.filter((row) => row.length);
  if (kept.flat().length > 100) bad('reply markup is too long');
  return kept.length ? { inline_keyboard: kept } : null;
}

function button_(button) {
  const wrong = (text) => bad(`Can't parse inline keyboard button: ${text}`);
  if (typeof button !== 'object' || button === null) wrong('InlineKeyboardButton must be an Object');
  if (typeof button.text !== 'string') wrong('Can\'t find field "text"');
  if (!kinds.some((kind) => button[kind] !== undefined && button[kind] !== '')) wrong('Text buttons are unallowed in the inline keyboard');
  if (button.text.trim() === '') bad('BUTTON_TEXT_INVALID');
  if (button.callback_data && Buffer.byteLength(button.callback_data) > 64) bad('BUTTON_DATA_INVALID');
  if (button.style !== undefined && !['danger', 'success', 'primary'].includes(button.style)) wrong('Invalid button style specified');
}
