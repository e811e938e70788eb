// What Slack refuses of blocks and metadata. Returns what is wrong, or null.
const textTypes = ['mrkdwn', 'plain_text'];
const length = (text) => [...text].length;

function badText(value, what, max, only) {
  if (typeof value !== 'object' || value === null || !textTypes.includes(value.type)) return `${what}: not a text object`;
  if (only && value.type !== only) return `${what}: must be ${only}`;
  if (typeof value.text !== 'string' || value.text === '') return `${what}: must be more than 0 characters`;
  if (length(value.text) > max) return `${what}: must be less than ${max + 1} characters`;
  return null;
}

function first(list, check) {
  for (const [i, each] of list.entries()) {
    const wrong = check(each, i);
    if (wrong) return wrong;
  }
  return null;
}

const badId = (value, what) => (value !== undefined && (typeof value !== 'string' || length(value) > 255 || value === '') ? `${what}: bad id` : null);

function badButton(b, what) {
  return badText(b.text, `${what}/text`, 75, 'plain_text') ?? badId(b.action_id, `${what}/action_id`) ??
    (b.value !== undefined && (typeof b.value !== 'string' || length(b.value) > 2000) ? `${what}/value: too long` : null);
}

function badFeedback(e, what) {
  if (e.type === 'icon_button') return badText(e.text, `${what}/text`, 75, 'plain_text') ?? (e.icon ? null : `${what}: no icon`);
  if (e.type !== 'feedback_buttons') return `${what}: unsupported type ${e.type}`;
  return badId(e.action_id, `${what}/action_id`) ?? first([['positive_button', e.positive_button], ['negative_button', e.negative_button]], ([name, b]) => {
    if (typeof b !== 'object' || b === null) return `${what}: missing ${name}`;
    return badButton(b, `${what}/${name}`) ??
      (b.accessibility_label !== undefined && (typeof b.accessibility_label !== 'string' || length(b.accessibility_label) > 75) ? `${what}: accessibility_label` : null);
  });
}

function badTable(block, what) {
  if (!Array.isArray(block.rows) || block.rows.length === 0 || block.rows.length > 100) return `${what}/rows: 1 to 100`;
  let total = 0;
  return first(block.rows, (row) => {
    if (!Array.isArray(row) || row.length === 0 || row.length > 20) return `${what}: 1 to 20 columns`;
    return first(row, (cell) => {
      if (!['raw_text', 'rich_text'].includes(cell?.type)) return `${what}: bad cell`;
      if (cell.type === 'raw_text' && (typeof cell.text !== 'string' || cell.text === '')) return `${what}: empty cell`;
      total += length(JSON.stringify(cell.text ?? cell.elements));
      return total > 10_000 + 100 * 20 * 2 ? `${what}: more than 10,000 characters` : null;
    });
  });
}

const kinds = {
  section: (b, what) => {
    if (b.text === undefined && b.fields === undefined) return `${what}: text or fields`;
    return (b.text !== undefined ? badText(b.text, `${what}/text`, 3000) : null) ??
      (b.fields !== undefined ? (Array.isArray(b.fields) && b.fields.length <= 10 ? first(b.fields, (f) => badText(f, `${what}/fields`, 2000)) : `${what}/fields`) : null);
  },
  header: (b, what) => badText(b.text, `${what}/text`, 150, 'plain_text'),
  divider: () => null,
  context: (b, what) => {
    if (!Array.isArray(b.elements) || b.elements.length === 0 || b.elements.length > 10) return `${what}/elements: 1 to 10`;
    return first(b.elements, (e) => (e?.type === 'image' ? (e.alt_text ? null : `${what}: alt_text`) : badText(e, `${what}/elements`, 3000)));
  },
  actions: (b, what) => {
    if (!Array.isArray(b.elements) || b.elements.length === 0 || b.elements.length > 25) return `${what}/elements: 1 to 25`;
    return first(b.elements, (e) => (e?.type === 'button' ? badButton(e, what) : null));
  },
  context_actions: (b, what) => {
    if (!Array.isArray(b.elements) || b.elements.length === 0 || b.elements.length > 5) return `${what}/elements: 1 to 5`;
    return first(b.elements, (e) => badFeedback(e ?? {}, what));
  },
  image: (b, what) => (typeof b.alt_text === 'string' && length(b.alt_text) <= 2000 && (b.image_url || b.slack_file) ? null : `${what}: image_url and alt_text`),
  markdown: (b, what) => (typeof b.text === 'string' && b.text !== '' ? null : `${what}: text`),
  rich_text: (b, what) => (Array.isArray(b.elements) ? null : `${what}: elements`),
  table: badTable,
  file: () => null,
  video: () => null,
};

export function badBlocks(blocks) {
  if (!Array.isArray(blocks)) return 'blocks: not a list';
  if (blocks.length > 50) return 'blocks: no more than 50 items allowed';
  const markdown = blocks.filter((b) => b?.type === 'markdown').reduce((sum, b) => sum + length(String(b.text)), 0);
  if (markdown > 12_000) return 'blocks: more than 12,000 characters of markdown';
  const ids = blocks.map((b) => b?.block_id).filter(Boolean);
  if (new Set(ids).size !== ids.length) return 'blocks: block_id used twice';
  return first(blocks, (block, i) => {
    const what = `/blocks/${i}`;
    if (typeof block !== 'object' || block === null || !Object.hasOwn(kinds, block.type)) return `${what}: unsupported type ${block?.type}`;
    return badId(block.block_id, `${what}/block_id`) ?? kinds[block.type](block, what);
  });
}

export function badMetadata(metadata) {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return 'invalid_metadata_format';
  if (Object.keys(metadata).length === 0) return null; // clears it
  if (typeof metadata.event_type !== 'string' || !/^[a-zA-Z0-9_.-]{1,255}$/.test(metadata.event_type)) return 'invalid_metadata_schema';
  if (typeof metadata.event_payload !== 'object' || metadata.event_payload === null) return 'invalid_metadata_schema';
  return JSON.stringify(metadata).length > 8000 ? 'metadata_too_large' : null;
}
