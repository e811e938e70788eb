// A browser that keeps cookies and goes where it is sent. Public names are mapped to where they are served on this machine,
// so that redirects and cookies are those of https, as they are in the world.
export class Browser {
  constructor(map) {
    this.map = map; // { 'https://usher.test': 'http://127.0.0.1:1234' }
    this.cookies = new Map(); // origin -> Map name -> value
    this.seen = []; // every URL it went to
  }

  #real(url) {
    for (const [name, real] of Object.entries(this.map)) if (url === name || url.startsWith(`${name}/`)) return real + url.slice(name.length);
    return url;
  }

  #keep(origin, headers) {
    const jar = this.cookies.get(origin) ?? new Map();
    this.cookies.set(origin, jar);
    for (const line of headers.getSetCookie?.() ?? (headers.get('set-cookie')?.split(/, (?=[^;]+=)/) ?? [])) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf('=')), value = pair.slice(pair.indexOf('=') + 1);
      const gone = attributes.some((a) => /^max-age=0$/i.test(a) || (/^expires=/i.test(a) && new Date(a.slice(8)) < new Date()));
      this.lastCookie = line;
      if (gone) jar.delete(name);
      else jar.set(name, value);
    }
  }

  // One request, without following: {status, location, headers, text}.
  async ask(url, { method = 'GET', form } = {}) {
    this.seen.push(url);
    const { origin } = new URL(url);
    const jar = this.cookies.get(origin);
    const answer = await fetch(this.#real(url), {
      method, redirect: 'manual',
      headers: { ...(jar?.size && { cookie: [...jar].map(([k, v]) => `${k}=${v}`).join('; ') }), ...(form && { 'content-type': 'application/x-www-form-urlencoded' }), host: new URL(url).host },
      ...(form && { body: new URLSearchParams(form).toString() }),
    });
    this.#keep(origin, answer.headers);
    const location = answer.headers.get('location');
    return { url, status: answer.status, headers: answer.headers, text: await answer.text(), location: location && new URL(location, url).href };
  }

  // Follows redirects to where a page is.
  async go(url, options) {
    let answer = await this.ask(url, options);
    for (let i = 0; i < 10 && answer.location; i++) answer = await this.ask(answer.location);
    return answer;
  }

  // The address of the first link whose text matches.
  link(answer, text) {
    for (const [, href, label] of answer.text.matchAll(/<a [^>]*href="([^"]+)"[^>]*>(.*?)<\/a>/gs))
      if (text.test(label.replace(/<[^>]+>/g, ''))) return new URL(href.replace(/&amp;/g, '&').replace(/&#(\d+);/g, (_, n) => String.fromCharCode(n)), answer.url).href;
    throw new Error(`no link ${text} in ${answer.text}`);
  }
}
