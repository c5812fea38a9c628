// A server in front of another that lets each HTML page through tag by tag, as a slow line would: what a browser draws in between must not move.
import http from 'node:http'
const PAUSE_MS = 20
// A page that must move where pages come slowly: one line takes the place of another that was drawn before it.
const CONTROL = '<!doctype html><html lang="en"><head><title>control</title></head><body><p>drawn first</p>' +
  '<p>and this</p>'.repeat(20) + '<style>p:first-child { padding-bottom: 200px }</style></body></html>'
export const CONTROL_PATH = '/control-that-moves'

// drip(address) -> [address of the slow one, close]
export async function drip(address) {
  const slow = http.createServer(async (asked, answer) => {
    if (asked.url === CONTROL_PATH) {
      answer.writeHead(200, { 'content-type': 'text/html' })
      return void await tagByTag(CONTROL, answer)
    }
    const headers = { ...asked.headers, host: new URL(address).host, 'accept-encoding': 'identity' }
    const far = http.request(address + asked.url, { method: asked.method, headers }, async reply => {
      const { 'content-length': _, ...rest } = reply.headers
      answer.writeHead(reply.statusCode, rest)
      if (!/^text\/html/.test(reply.headers['content-type'] ?? '')) return void reply.pipe(answer)
      const parts = []
      for await (const part of reply) parts.push(part)
      await tagByTag(Buffer.concat(parts).toString(), answer)
    })
    far.on('error', () => answer.destroy())
    asked.pipe(far)
  })
  await new Promise(done => slow.listen(0, '127.0.0.1', done))
  return [`http://127.0.0.1:${slow.address().port}`, () => { slow.closeAllConnections(); slow.close() }]
}

async function tagByTag(page, answer) {
  const body = page.indexOf('<body')
  answer.write(page.slice(0, body))
  for (const piece of page.slice(body).match(/<[^>]*>|[^<]+/g)) {
    if (answer.destroyed) return
    answer.write(piece)
    await new Promise(done => setTimeout(done, PAUSE_MS))
  }
  answer.end()
}
