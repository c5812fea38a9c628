// node keys.mjs MODULES CHROMIUM HOST PORT: reads by keys under the page's own policy, then with the server gone.
import { createRequire } from 'node:module'
import net from 'node:net'
const require = createRequire(process.argv[2] + '/')
const { chromium } = require('playwright-core')
const [, , , executablePath, host, port] = process.argv
const seen = {}

// The way to the server runs through here, so that it can really be cut.
const open = new Set()
const gate = net.createServer(near => {
  const far = net.connect(+port, host)
  for (const [one, other] of [[near, far], [far, near]]) {
    open.add(one)
    one.on('error', () => other.destroy()).on('close', () => other.destroy()).pipe(other)
  }
})
await new Promise(done => gate.listen(0, '127.0.0.1', done))
const address = `http://127.0.0.1:${gate.address().port}`

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] })
const context = await browser.newContext({ viewport: { width: 390, height: 800 } })
const page = await context.newPage()
const complaints = []
page.on('console', message => { if (/refused|violat|error/i.test(message.text()) && message.type() == 'error') complaints.push(message.text()) })
page.on('pageerror', error => complaints.push(String(error)))
const focused = () => page.evaluate(() => document.activeElement.href)
const until = async (ready, ...values) => {
  for (const end = Date.now() + 30_000; !await page.evaluate(ready, ...values); await page.waitForTimeout(50)) if (Date.now() > end) throw new Error(`never: ${ready}`)
}
const kept = kind => page.evaluate(async kind => (await (await caches.open(kind)).keys()).length, kind)

await page.goto(address + '/?lang=en')
const links = await page.locator('main li :is(h2, h3) a').evaluateAll(all => all.map(one => one.href))
seen.listed = new Set(links).size
await page.keyboard.press('j')
await page.keyboard.press('j')
seen.second = await focused() === links[1]
await page.keyboard.press('k')
seen.first = await focused() === links[0]
await page.keyboard.press('s')
await until(async () => (await (await caches.open('star')).keys()).length == 1)
seen.starred = await page.locator('li.star').count()
await page.keyboard.press('m')
seen.marked = await page.locator('li.read').count()
await page.keyboard.press('m')
seen.unmarked = await page.locator('li.read').count()
await page.keyboard.press('o')
await page.waitForURL(links[0])
await page.goBack()
await page.waitForSelector('li.read')
seen.readAfterOpening = await page.locator('li.read').count()
await page.keyboard.press('/')
seen.search = await page.evaluate(() => document.activeElement.name ?? '')
await page.keyboard.type('jk')
seen.typed = await page.evaluate(() => document.activeElement.value ?? '')

await page.goto(address + '/')
await until(async n => (await (await caches.open('article')).keys()).length >= n, Math.min(seen.listed, 30))
seen.stored = await kept('article')

await new Promise(done => { gate.close(done); for (const socket of open) socket.destroy() })
await page.goto(links.at(-1))
seen.unopened = await page.locator('article .body p').first().innerText()
await page.goto(address + '/')
seen.front = await page.locator('main li h2').count()
await page.keyboard.press('?')
await page.waitForURL(address + '/offline')
await page.waitForSelector('#kept li')
await until(n => document.querySelectorAll('#kept li').length >= n, seen.stored)
seen.shelf = await page.locator('#kept li').count()
seen.shelfStar = await page.locator('#kept li.star').count()
await page.goto(address + '/outlet/nobody')
seen.elsewhere = await page.locator('h1').innerText()
await page.locator('[data-off=store]').uncheck()
await until(async () => !(await caches.keys()).length && !(await navigator.serviceWorker.getRegistrations()).length && !localStorage.read)
seen.forgotten = true
seen.complaints = complaints.filter(text => !/ERR_|Failed to load/.test(text))
console.log(JSON.stringify(seen))
await browser.close()
process.exit(0)
