// The methods about the bot itself: who it is, its updates, its commands, its buttons, its files, the chats it is in.
import { bad, structure, textOf } from './refusal.mjs';

const scopes = ['default', 'all_private_chats', 'all_group_chats', 'all_chat_administrators', 'chat', 'chat_administrators', 'chat_member'];

function commandKey({ args }) {
  const scope = structure(args.scope, 'BotCommandScope') ?? { type: 'default' };
  if (!scopes.includes(scope.type)) bad("Can't parse BotCommandScope: unsupported type specified");
  if (scope.type.startsWith('chat') && scope.chat_id === undefined) bad("Can't parse BotCommandScope: Can't find field \"chat_id\"");
  return JSON.stringify([scope.type, scope.chat_id ?? null, scope.user_id ?? null, textOf(args.language_code)]);
}

// One text about the bot, by language.
const about = (name, field, most, error) => {
  const read = ({ bot, args }) => ({ [field]: bot[field]?.get(textOf(args.language_code)) ?? '' });
  return {
    [`setMy${name}`]: {
      takes: [field, 'language_code'],
      run: ({ bot, args }) => {
        if ([...textOf(args[field])].length > most) bad(error);
        (bot[field] ??= new Map()).set(textOf(args.language_code), textOf(args[field]));
        return true;
      },
    },
    [`getMy${name}`]: { takes: ['language_code'], run: read },
  };
};

export const own = {
  getMe: {
    run: ({ bot }) => ({
      ...bot.shown(), can_join_groups: true, can_read_all_group_messages: !bot.privacy, supports_guest_queries: false, supports_inline_queries: false, can_connect_to_business: false, has_main_web_app: false,
      has_topics_enabled: false, allows_users_to_create_topics: false, can_manage_bots: false, supports_join_request_queries: false,
    }),
  },
  getUpdates: { takes: ['offset', 'limit', 'timeout', 'allowed_updates'], run: ({ telegram, bot, args, request }) => telegram.updates.get(bot, args, request) },
  setWebhook: {
    takes: ['url', 'certificate', 'ip_address', 'max_connections', 'allowed_updates', 'drop_pending_updates', 'secret_token'], described: true,
    run: ({ telegram, bot, args }) => telegram.webhooks.set(bot, args),
  },
  deleteWebhook: { takes: ['drop_pending_updates'], described: true, run: ({ telegram, bot, args }) => telegram.webhooks.delete(bot, args) },
  getWebhookInfo: { run: ({ telegram, bot }) => telegram.webhooks.info(bot) },
  close: { run: () => true },
  setMyCommands: {
    takes: ['commands', 'scope', 'language_code'],
    run: (context) => {
      const list = structure(context.args.commands, 'commands') ?? [];
      if (!Array.isArray(list)) bad('Expected an Array of BotCommand');
      if (list.length > 100) bad('BOT_COMMANDS_TOO_MUCH');
      for (const { command, description } of list) {
        if (typeof command !== 'string' || typeof description !== 'string') bad("Can't parse BotCommand: Can't find field \"command\"");
        if (!/^\/?[a-z0-9_]{1,32}$/.test(command)) bad('BOT_COMMAND_INVALID');
        if (description.trim() === '' || [...description].length > 256) bad('BOT_COMMAND_DESCRIPTION_INVALID');
      }
      context.bot.commands.set(commandKey(context), list.map(({ command, description }) => ({ command: command.replace(/^\//, ''), description })));
      return true;
    },
  },
  getMyCommands: { takes: ['scope', 'language_code'], run: (context) => context.bot.commands.get(commandKey(context)) ?? [] },
  ...about('Description', 'description', 512, 'BOT_DESCRIPTION_TOO_LONG'),
  ...about('ShortDescription', 'short_description', 120, 'BOT_SHORT_DESCRIPTION_TOO_LONG'),
  ...about('Name', 'name', 64, 'BOT_TITLE_INVALID'),
  answerCallbackQuery: {
    takes: ['callback_query_id', 'text', 'show_alert', 'url', 'cache_time'],
    run: ({ telegram, bot, args }) => {
      const query = bot.callbacks.get(textOf(args.callback_query_id));
      if (!query || query.answer || query.at + telegram.knobs.callbackMs < Date.now()) bad('query is too old and response timeout expired or query ID is invalid');
      if ([...textOf(args.text)].length > 200) bad('MESSAGE_TOO_LONG');
      query.answered({ text: textOf(args.text), alert: args.show_alert === true || args.show_alert === 'true' });
      return true;
    },
  },
  getFile: {
    takes: ['file_id'],
    run: ({ telegram, args }) => {
      const id = textOf(args.file_id), file = telegram.world.files.get(id);
      if (id === '') bad('file_id not specified');
      if (!file) bad('invalid file_id');
      if (file.behaviour === 'unavailable') bad('wrong file_id or the file is temporarily unavailable');
      return { ...telegram.world.fileIds(file), file_path: telegram.files.offer(file) };
    },
  },
};
