// What a route throws to be answered with an error body (sheet 12).
export class Refusal extends Error {
  constructor(status, code, message, more = {}) {
    super(message);
    Object.assign(this, { status, code, message, more });
  }

  get body() {
    return { message: this.message, code: this.code, ...this.more };
  }
}

export const refuse = (status, code, message, more) => {
  throw new Refusal(status, code, message, more);
};

// 50035 with its nest of errors. path: 'components.0.label', or '' for the whole body.
export function badForm(path, code, message) {
  const errors = {};
  path.split('.').filter(Boolean).reduce((at, name) => (at[name] = {}), errors)._errors = [{ code, message }];
  refuse(400, 50035, 'Invalid Form Body', { errors });
}

export const unknown = {
  application: () => refuse(404, 10002, 'Unknown Application'),
  channel: () => refuse(404, 10003, 'Unknown Channel'),
  guild: () => refuse(404, 10004, 'Unknown Guild'),
  member: () => refuse(404, 10007, 'Unknown Member'),
  message: () => refuse(404, 10008, 'Unknown Message'),
  user: () => refuse(404, 10013, 'Unknown User'),
  emoji: () => refuse(400, 10014, 'Unknown Emoji'),
  webhook: () => refuse(404, 10015, 'Unknown Webhook'),
  interaction: () => refuse(404, 10062, 'Unknown interaction'),
  command: () => refuse(404, 10063, 'Unknown application command'),
};

export const noAccess = () => refuse(403, 50001, 'Missing Access');
export const noPermission = () => refuse(403, 50013, 'Missing Permissions');
