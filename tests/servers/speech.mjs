// A transcription service that speaks OpenAI's /audio/transcriptions. It hears what stands in the file behind the head that
// `spoken` makes, and misbehaves by it: "silence" has nothing but silence by its own measure, "busy-N" answers 503 N times first, "refused" answers 400.
import http from 'node:http';

// An Ogg page with Opus' head (RFC 3533, RFC 7845), so that what looks at the content sees a recording; behind it, what is said.
const head = Buffer.concat([Buffer.from('OggS\0\x02', 'latin1'), Buffer.alloc(20), Buffer.from([1, 19]), Buffer.from('OpusHead\x01\x01', 'latin1'), Buffer.alloc(9)]);
export const spoken = (words) => Buffer.concat([head, Buffer.from(words)]);

export class SpeechServer {
  constructor() {
    this.requests = []; // { fields, file: { name, type, bytes } }
    this.seen = new Map();
    this.key = 'test-key-of-the-speech-stand-in';
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.keepAliveTimeout = 60_000;
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.base = `http://127.0.0.1:${this.server.address().port}/v1`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #serve(request, response) {
    const json = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const refuse = (status, message) => json(status, { error: { message, type: 'invalid_request_error', param: null, code: null } });
    const parts = [];
    for await (const part of request) parts.push(part);
    if (request.headers.authorization !== `Bearer ${this.key}`) return refuse(401, 'Incorrect API key provided.');
    if (request.method !== 'POST' || request.url !== '/v1/audio/transcriptions') return refuse(404, `no such path ${request.url}`);
    const form = await new Response(Buffer.concat(parts), { headers: { 'content-type': request.headers['content-type'] } }).formData().catch(() => null);
    const file = form?.get('file');
    if (!file || typeof file === 'string' || !form.get('model')) return refuse(400, 'file and model are required');
    if (!/\.(flac|mp3|mp4|mpeg|mpga|m4a|ogg|wav|webm)$/.test(file.name)) return refuse(400, `Invalid file format: ${file.name}`);
    const bytes = Buffer.from(await file.arrayBuffer()), said = bytes.subarray(0, head.length).equals(head) ? bytes.subarray(head.length).toString() : '';
    if (!said) return refuse(400, 'The audio could not be decoded.');
    this.requests.push({ fields: Object.fromEntries([...form].filter(([, value]) => typeof value === 'string')), file: { name: file.name, type: file.type, bytes } });
    const times = (this.seen.get(said) ?? 0) + 1, busy = /busy-(\d+)/.exec(said);
    this.seen.set(said, times);
    if (busy && times <= Number(busy[1])) return refuse(503, 'The server is overloaded.');
    if (said.includes('refused')) return refuse(400, 'The audio could not be decoded.');
    if (form.get('response_format') !== 'verbose_json') return json(200, { text: said, usage: { type: 'duration', seconds: 3 } });
    const silent = said.includes('silence');
    const text = silent ? 'Thank you for watching!' : said;
    json(200, { task: 'transcribe', language: 'english', duration: 3, text, segments: [{ id: 0, start: 0, end: 3, text, avg_logprob: silent ? -1.4 : -0.2, no_speech_prob: silent ? 0.95 : 0.01 }] });
  }
}
