// Which links Telegram takes, as TDLib's LinkManager decides it. A link that it does not take is dropped without an error.

// The user of tg://user?id=7, or null.
export function linkUser(url) {
  const id = /^tg:(?:\/\/)?user\/?\?([^#]*)/i.exec(url)?.[1].split('&').find((p) => p.startsWith('id='))?.slice(3);
  return id && /^[1-9]\d*$/.test(id) ? Number(id) : null;
}

// The link as it is stored, or null.
export function checkedLink(link) {
  const own = /^(tg|ton|tonsite):(?:\/\/)?([^/?#]*)(.*)$/is.exec(link);
  if (own) return /^[\w.-]+$/.test(own[2]) ? `${own[1].toLowerCase()}://${own[2].toLowerCase()}${own[3].startsWith('/?') ? own[3].slice(1) : own[3] || '/'}` : null;
  const scheme = /^([a-z][\w+.-]*):\/\//i.exec(link)?.[1].toLowerCase();
  if (scheme && scheme !== 'http' && scheme !== 'https') return null;
  const rest = scheme ? link.slice(scheme.length + 3) : link;
  const cut = rest.search(/[/?#]/), authority = cut < 0 ? rest : rest.slice(0, cut), tail = cut < 0 ? '' : rest.slice(cut);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const [, name, port] = /^(\[[0-9a-f:.]+\]|[^:]*)(?::(\d+))?$/i.exec(host) ?? [];
  if (!name || (port !== undefined && !(Number(port) > 0 && Number(port) < 65536))) return null;
  // What is below "!" or one of these has no place in a host's name.
  if (!name.startsWith('[') && (!name.includes('.') || /[\s"<>\\^`{|}]/.test(name))) return null;
  if (/[\0-\x20]/.test(tail)) return checkedLink(link.replace(/[\0-\x20]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`));
  return `${scheme ?? 'http'}://${authority.slice(0, authority.length - host.length)}${name.toLowerCase()}${port ? `:${port}` : ''}${tail.startsWith('/') ? tail : `/${tail}`}`;
}
