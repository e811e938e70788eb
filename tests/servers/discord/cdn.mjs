// Attachments behind signed addresses that expire (sheet 15).
import { createHmac, randomBytes } from 'node:crypto';

export class Cdn {
  constructor(discord) {
    Object.assign(this, { discord, secret: randomBytes(16) });
  }

  #mark(path, ex, is) {
    return createHmac('sha256', this.secret).update(`${path}?${ex}&${is}`).digest('hex');
  }

  // An attachment as it is shown now.
  signed(attachment) {
    const { knobs } = this.discord, now = Date.now(), ex = Math.floor((now + knobs.cdnMs) / 1000).toString(16), is = Math.floor(now / 1000).toString(16);
    const url = `${knobs.cdnBase ?? this.discord.base}${attachment.url}?ex=${ex}&is=${is}&hm=${this.#mark(attachment.url, ex, is)}&`;
    return { ...attachment, url, proxy_url: url };
  }

  // Every address given so far is void.
  expire() {
    this.secret = randomBytes(16);
  }

  serve(request, response) {
    const { counts, world } = this.discord, url = new URL(request.url, 'http://x'), [ex, is, hm] = ['ex', 'is', 'hm'].map((k) => url.searchParams.get(k));
    counts.downloads++;
    if (request.headers.authorization) counts.tokensToCdn++;
    const file = world.files.get(url.pathname.split('/')[3]), good = hm === this.#mark(url.pathname, ex, is) && Number.parseInt(ex, 16) * 1000 > Date.now();
    if (!file || !good) {
      counts.expired++;
      return void response.writeHead(404, { 'content-type': 'text/plain' }).end('This content is no longer available.');
    }
    response.writeHead(200, { 'content-type': file.type, 'content-length': file.data.length }).end(file.data);
  }
}
