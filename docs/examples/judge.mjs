// An external judge for Newsfeed's moderator: node judge.mjs
// JUDGE_SECRET is the one that the moderator has; PORT is 5100 if not set.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const secret = process.env.JUDGE_SECRET;
if (!secret) throw new Error('JUDGE_SECRET must be set');

// Who knows the secret can make this; nobody else can (standardwebhooks.com).
const sign = (id, time, body) =>
  'v1,' + createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest('base64');

const same = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

// The judgement itself: put your own here. flagged leaves it to a person.
function judge({ content }) {
  if (/\bbuy now\b/i.test(content)) return { status: 'rejected', reason: 'advertising' };
  if (content === content.toUpperCase() && /\p{L}{4}/u.test(content))
    return { status: 'flagged', reason: 'shouting', note: 'Please do not shout.' };
  return { status: 'approved' };
}

createServer(async (req, res) => {
  let body = '';
  for await (const chunk of req.setEncoding('utf8')) {
    body += chunk;
    if (body.length > 65536) return res.writeHead(413).end();
  }
  const id = req.headers['webhook-id'] ?? '';
  const time = req.headers['webhook-timestamp'] ?? '';
  const fresh = Math.abs(Date.now() / 1000 - Number(time)) < 300;
  if (!fresh || !same(req.headers['webhook-signature'] ?? '', sign(id, time, body)))
    return res.writeHead(401).end();
  const answer = JSON.stringify(judge(JSON.parse(body)));
  const now = String(Math.floor(Date.now() / 1000));
  // The same id: this is the answer to that question and to no other.
  res.writeHead(200, { 'webhook-id': id, 'webhook-timestamp': now, 'webhook-signature': sign(id, now, answer) });
  res.end(answer);
}).listen(process.env.PORT ?? 5100, '127.0.0.1');
