// Callbacks and follow-ups of interactions: the token in the path is the secret, and the global limit does not count them (sheet 10.3).
import { unknown } from './refusal.mjs';

const shown = (ctx, interaction, message) => message.shown({ app: interaction.app, cdn: (a) => ctx.discord.cdn.signed(a) });

function callback(ctx) {
  const { discord, params, body, files, route } = ctx, interaction = discord.interactions.all.get(params.interaction);
  if (!interaction || interaction.token !== params.token) unknown.interaction();
  discord.interactions.respond(interaction, body.data ? body : { ...body, data: {} }, files, route);
  if (ctx.query.get('with_response') !== 'true' && ctx.query.get('with_response') !== '1') return undefined;
  const { original } = interaction;
  return { interaction: { id: interaction.id, type: interaction.type, ...(original && { response_message_id: original.id, response_message_loading: body.type === 5, response_message_ephemeral: original.ephemeral }) },
    resource: { type: body.type, ...(original && { message: shown(ctx, interaction, original) }) } };
}

function withMessage(run) {
  return (ctx) => {
    const { discord, params } = ctx, interaction = discord.interactions.living(params.token, params.webhook);
    return run(ctx, interaction, discord.interactions.message(interaction, params.message));
  };
}

function follow(ctx) {
  const { discord, params, body, files } = ctx, interaction = discord.interactions.living(params.token, params.webhook);
  return shown(ctx, interaction, discord.interactions.follow(interaction, ctx, body, files));
}

const change = withMessage((ctx, interaction, message) => {
  const { discord, body, files } = ctx, made = discord.interactions.change(interaction, message, ctx, body, files);
  discord.edits.push({ app: interaction.app, message: made, content: body.content, at: Date.now(), interaction, body });
  return shown(ctx, interaction, made);
});

const hook = '/webhooks/:webhook/:token', free = { noAuth: true, free: true };

export const interactionRoutes = [
  ['POST', '/interactions/:interaction/:token/callback', callback, free],
  ['POST', hook, follow, { ...free, limit: [5, 2] }],
  ['GET', `${hook}/messages/:message`, withMessage(shown), { ...free, limit: [5, 2] }],
  ['PATCH', `${hook}/messages/:message`, change, { ...free, limit: [5, 2] }],
  ['DELETE', `${hook}/messages/:message`, withMessage((ctx, interaction, message) => ctx.discord.world.remove(message)), { ...free, limit: [5, 2] }],
];
