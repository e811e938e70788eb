// Files: served to tokens that may see them, and to nobody else; to them the login page, with status 200.
//   behaviour: plain, stub (the event carries only an id), tombstone, external, html (a login page although the token is right),
//   later-N (404 for the first N), short (fewer bytes than said), redirect (to `to`), slow
export function serveFile(slack, request, response) {
  const { pathname } = new URL(request.url, slack.base);
  const login = () => {
    slack.counts.loginPages++;
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to your workspace</body></html>');
  };
  if (pathname === '/login') return login();
  slack.counts.fileRequests++;
  const [team, id] = pathname.split('/')[2].split('-');
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  const found = slack.tokens.get(token);
  const file = slack.world.files.get(id);
  if (!file || file.team.id !== team) return void response.writeHead(404, { 'content-type': 'text/html' }).end('<!DOCTYPE html><html></html>');
  const may = found?.kind === 'bot' && !found.entry.revoked && found.entry.expires > Date.now() && found.installation.covers(file.team) && found.installation.scopes.includes('files:read');
  if (!may || file.behaviour === 'html') return login();
  file.asked++;
  const [behaviour, count] = file.behaviour.split('-');
  if (behaviour === 'later' && file.asked <= Number(count)) return void response.writeHead(404).end();
  if (behaviour === 'redirect') return void response.writeHead(302, { location: file.to }).end();
  const bytes = behaviour === 'short' ? file.bytes.subarray(0, file.bytes.length / 2) : file.bytes;
  response.writeHead(200, { 'content-type': file.mimetype, 'content-length': bytes.length }).end(bytes);
}

export async function takeUpload(slack, request, response, body) {
  const upload = slack.uploads.get(request.url.split('/').at(-1));
  if (!upload || upload.bytes || request.method !== 'POST') return void response.writeHead(404).end('not found');
  let bytes = body;
  if (/^multipart\/form-data/.test(request.headers['content-type'] ?? '')) {
    const form = await new Response(body, { headers: { 'content-type': request.headers['content-type'] } }).formData();
    const file = [...form.values()].find((each) => typeof each === 'object');
    if (!file) return void response.writeHead(400).end('no file');
    bytes = Buffer.from(await file.arrayBuffer());
  }
  if (bytes.length !== upload.length) return void response.writeHead(400).end('length_mismatch');
  upload.bytes = bytes;
  response.writeHead(200, { 'content-type': 'text/plain' }).end(`OK - ${bytes.length}`);
}
