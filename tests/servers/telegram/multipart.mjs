// multipart/form-data, as different clients write it. [{name, filename, type, bytes}], or null when it is broken.
const blank = Buffer.from('\r\n\r\n');

function parameter(header, name) {
  const extended = new RegExp(`[;\\s]${name}\\*=UTF-8''([^;\\s]+)`, 'i').exec(header);
  if (extended) return decodeURIComponent(extended[1]);
  const [, quoted, bare] = new RegExp(`[;\\s]${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, 'i').exec(header) ?? [];
  return quoted?.replace(/%22/g, '"').replace(/%0D/gi, '\r').replace(/%0A/gi, '\n').replace(/\\(["\\])/g, '$1') ?? bare;
}

export function multipart(body, contentType) {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType)?.slice(1).find(Boolean);
  if (!boundary || boundary.length > 100) return null;
  const whole = Buffer.concat([Buffer.from('\r\n'), body]), mark = Buffer.from(`\r\n--${boundary}`), parts = [];
  for (let at = whole.indexOf(mark); ; ) {
    if (at < 0) return null; // no end
    at += mark.length;
    if (whole.toString('latin1', at, at + 2) === '--') return parts;
    const line = whole.indexOf('\r\n', at), end = whole.indexOf(blank, line), next = whole.indexOf(mark, end + 2);
    if (line < 0 || end < 0 || next < 0 || /\S/.test(whole.toString('latin1', at, line))) return null;
    const headers = whole.toString('utf8', line, end).split('\r\n').map((each) => each.trim());
    const disposition = headers.find((each) => /^content-disposition:\s*form-data/i.test(each));
    const name = disposition && parameter(disposition, 'name');
    if (name === undefined) return null;
    parts.push({ name, filename: parameter(disposition, 'filename'), type: headers.find((each) => /^content-type:/i.test(each))?.slice(13).trim(), bytes: whole.subarray(end + 4, next) });
    at = next;
  }
}
