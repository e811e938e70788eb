// The methods that write, change and take back messages.
import { chatOf, markupOf, messageOf, replyOf, topicOf } from './places.mjs';
import { bad, integer, structure, textOf, truth } from './refusal.mjs';
import { formatted } from './text.mjs';

const placed = ['chat_id', 'message_thread_id', 'reply_parameters', 'reply_markup', 'disable_notification', 'protect_content', 'business_connection_id', 'direct_messages_topic_id', 'message_effect_id',
  'allow_paid_broadcast', 'suggested_post_parameters', 'ephemeral_message_parameters'];
const actions = ['typing', 'upload_photo', 'record_video', 'upload_video', 'record_voice', 'upload_voice', 'upload_document', 'choose_sticker', 'find_location', 'record_video_note', 'upload_video_note'];
const emojis = ['👍', '👎', '❤', '🔥', '🥰', '👏', '😁', '🤔', '🤯', '😱', '🤬', '😢', '🎉', '🤩', '🤮', '💩', '🙏', '👌', '🕊', '🤡', '🥱', '🥴', '😍', '🐳', '❤‍🔥', '🌚', '🌭', '💯', '🤣', '⚡', '🍌', '🏆', '💔', '🤨', '😐',
  '🍓', '🍾', '💋', '🖕', '😈', '😴', '😭', '🤓', '👻', '👨‍💻', '👀', '🎃', '🙈', '😇', '😨', '🤝', '✍', '🤗', '🫡', '🎅', '🎄', '☃', '💅', '🤪', '🗿', '🆒', '💘', '🙉', '🦄', '😘', '💊', '🙊', '😎', '👾', '🤷'];

function words({ telegram, bot, args }, name, more) {
  const userOf = (id) => {
    const user = telegram.world.users.get(Number(id));
    return user && (bot.privates.has(user.id) || [...telegram.world.chats.values()].some((c) => c.isIn(user) && c.isIn(bot))) ? user.shown() : null;
  };
  const made = formatted(textOf(args[name]), {
    parseMode: textOf(args.parse_mode), unit: telegram.knobs.lengthUnit, userOf, ...more,
    entities: structure(args[name === 'text' ? 'entities' : 'caption_entities'], 'entities'),
  });
  telegram.counts.entitiesDropped += made.dropped;
  return made;
}

function preview({ args }) {
  const options = structure(args.link_preview_options, 'link preview options');
  if (options !== null && (typeof options !== 'object' || Array.isArray(options))) bad('Object expected as link preview options');
  return options;
}

function place(context) {
  const chat = chatOf(context), topic = topicOf(context, chat);
  return { chat, topic, ...replyOf(context, chat), markup: markupOf(context) };
}

function post(context, { chat, ...where }, fields) {
  const { telegram, bot, args } = context;
  telegram.limit(bot, chat, 'send');
  const message = telegram.world.post(chat, { ...where, ...fields, bot, args, ...(chat.type === 'channel' ? { senderChat: chat } : { from: bot }) });
  if (telegram.knobs.previews && message.text && !args.link_preview_options?.is_disabled && message.entities.some((e) => e.type === 'url' || e.type === 'text_link')) telegram.counts.previews++;
  return message.shown();
}

function fileOf({ telegram, args }, name, folder) {
  const given = args[name];
  if (given && typeof given === 'object' && given.bytes) {
    if (given.bytes.length === 0) bad('file must be non-empty');
    return telegram.world.addFile({ ...given, folder, mime: given.mime });
  }
  const text = textOf(given);
  if (text.startsWith('attach://')) return fileOf({ telegram, args }, text.slice(9), folder);
  if (text === '') bad(`there is no ${name} in the request`);
  if (/^https?:/.test(text)) bad('failed to get HTTP URL content'); // nothing outside is reached from here
  const file = telegram.world.files.get(text);
  if (!file) bad('wrong file identifier/HTTP URL specified');
  return file;
}

const sending = (name, folder, shown) => ({
  takes: [...placed, name, 'caption', 'parse_mode', 'caption_entities', 'thumbnail', 'disable_content_type_detection', 'duration', 'has_spoiler', 'show_caption_above_media'], writes: true,
  run: (context) => {
    const where = place(context), { text, entities } = words(context, 'caption', { limit: 1024, tooLong: 'Message caption is too long', empty: null });
    const file = fileOf(context, name, folder);
    return post(context, where, { media: shown(context, file), file, ...(text !== '' && { caption: text, captionEntities: entities }) });
  },
});

function own(context, what, access = 'edit') {
  const chat = chatOf(context, access), message = messageOf(chat, context.args.message_id, what);
  return { chat, message };
}

// After everything is checked: the same again is an error that means success.
function change(context, chat, message, fields) {
  const { telegram, bot } = context;
  if (message.bot !== bot || message.service) bad("message can't be edited");
  const next = { text: message.text, entities: message.entities, markup: message.markup, ...fields };
  if (JSON.stringify([next.text, next.entities, next.markup]) === JSON.stringify([message.text, message.entities, message.markup]))
    bad('message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message');
  telegram.limit(bot, chat, 'edit');
  telegram.world.change(message, fields);
  return message.shown();
}

export const messages = {
  sendMessage: {
    takes: [...placed, 'text', 'parse_mode', 'entities', 'link_preview_options'], writes: true,
    run: (context) => {
      const { text, entities } = words(context, 'text'), link_preview_options = preview(context);
      return post({ ...context, args: { ...context.args, link_preview_options } }, place(context), { text, entities });
    },
  },
  sendDocument: sending('document', 'documents', ({ telegram }, file) => ({ document: { file_name: file.name, mime_type: file.mime, ...telegram.world.fileIds(file) } })),
  editMessageText: {
    takes: ['chat_id', 'message_id', 'inline_message_id', 'text', 'parse_mode', 'entities', 'link_preview_options', 'reply_markup', 'business_connection_id'], writes: true,
    run: (context) => {
      const { text, entities } = words(context, 'text'), markup = markupOf(context);
      preview(context);
      const { chat, message } = own(context, 'message to edit');
      if (message.bot === context.bot && message.text === null) bad('there is no text in the message to edit');
      return change(context, chat, message, { text, entities, markup });
    },
  },
  deleteMessage: {
    takes: ['chat_id', 'message_id'], writes: true,
    run: (context) => {
      const { telegram, bot } = context;
      if (!integer(context.args.message_id)) bad('Message identifier is not specified');
      const { chat, message } = own(context, 'message to delete', 'write');
      if (message.bot !== bot && chat.type !== 'private' && chat.statusOf(bot) !== 'administrator') bad("message can't be deleted");
      telegram.limit(bot, chat, 'edit');
      message.deleted = true;
      return true;
    },
  },
  sendMessageDraft: {
    takes: ['chat_id', 'message_thread_id', 'draft_id', 'text', 'parse_mode', 'entities', 'can_stop', 'keep_on_stop'],
    run: (context) => {
      const { telegram, bot, args } = context, { text, entities } = words(context, 'text', { empty: null });
      const chat = chatOf(context), id = integer(args.draft_id);
      if (chat.type !== 'private') bad('TEXTDRAFT_PEER_INVALID');
      topicOf(context, chat);
      if (id === 0) bad('RANDOM_ID_INVALID');
      telegram.limit(bot, chat, 'draft');
      const draft = { bot, id, text, entities, at: Date.now(), canStop: truth(args.can_stop), keepOnStop: truth(args.keep_on_stop) };
      chat.drafts.push(draft);
      chat.draft = draft;
      telegram.after(30 * telegram.knobs.secondMs, () => chat.draft === draft && (chat.draft = null));
      return true;
    },
  },
  sendChatAction: {
    takes: ['chat_id', 'action', 'message_thread_id', 'business_connection_id'],
    run: (context) => {
      const { telegram, bot, args } = context;
      if (!actions.includes(textOf(args.action).toLowerCase())) bad('Wrong parameter action in request');
      const chat = chatOf(context);
      if (chat.type === 'channel') bad('CHANNEL_INVALID');
      const topic = topicOf(context, chat, { anyThread: true });
      telegram.limit(bot, chat, 'action');
      chat.actions.push({ bot, action: args.action, thread: topic?.id ?? null, at: Date.now() });
      return true;
    },
  },
  setMessageReaction: {
    takes: ['chat_id', 'message_id', 'reaction', 'is_big'], writes: true,
    run: (context) => {
      const { telegram, bot, args } = context, reaction = structure(args.reaction, 'reaction types') ?? [];
      const { chat, message } = own(context, 'message to react', 'read');
      if (!Array.isArray(reaction)) bad('Expected an Array of ReactionType');
      if (reaction.length > 1) bad('REACTIONS_TOO_MANY');
      for (const r of reaction) if (r?.type !== 'emoji' || !emojis.includes(r.emoji)) bad('REACTION_INVALID');
      telegram.limit(bot, chat, 'action');
      message.reactions.set(bot.id, reaction.map((r) => r.emoji));
      return true;
    },
  },
};
