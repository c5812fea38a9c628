// node look.mjs MODULES CHROMIUM ADDRESS PATH...: what a browser sees of each page, one JSON object a line.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { CONTROL_PATH, drip } from './drip.mjs'
const require = createRequire(process.argv[2] + '/')
const { chromium } = require('playwright-core')
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const [, , , executablePath, address, ...paths] = process.argv
const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update']
const browser = await chromium.launch({ executablePath, args: flags })
const ABREAST = 6
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

const signIn = async (context, url = address) => {
  const session = process.env.BAOGUAN_SESSION
  if (session) await context.addCookies([{ name: 'session', value: session, url }])
}

const watchShifts = page => page.addInitScript(() => {
  window.shift = 0
  window.moved = []
  new PerformanceObserver(list => list.getEntries().forEach(one => {
    window.shift += one.value
    window.moved.push(...one.sources.map(({ node, previousRect, currentRect }) => [node?.nodeName, node?.className, (node?.outerHTML ?? node?.parentNode?.outerHTML)?.slice(0, 200), node?.textContent?.slice(0, 40), previousRect, currentRect]))
  })).observe({ type: 'layout-shift', buffered: true })
})
const measure = page => page.evaluate(() => {
  const overflow = document.documentElement.scrollWidth - innerWidth
  const wide = overflow > 0 ? [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.outerHTML.slice(0, 120)) : []
  return { shift: window.shift, moved: window.moved, overflow, wide }
})

async function look(path, width, colorScheme) {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, bypassCSP: true })
  await signIn(context)
  const page = await context.newPage()
  const foreign = []
  page.on('request', request => { if (!request.url().startsWith(address)) foreign.push(request.url()) })
  await watchShifts(page)
  await page.goto(address + path, { waitUntil: 'load' })
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight))
  await page.waitForTimeout(150)
  const seen = await measure(page)
  await page.evaluate(axe)
  const { violations } = await page.evaluate(tags => axe.run({ runOnly: tags }), TAGS)
  const axeFound = violations.map(one => `${one.id}: ${one.nodes[0].html.slice(0, 200)} ${one.nodes[0].any.map(any => any.message).join(' ')}`)
  console.log(JSON.stringify({ kind: 'look', path, width, colorScheme, foreign, ...seen, axe: axeFound }))
  await context.close()
}

// The page comes tag by tag: what is drawn early must not move when the rest comes.
async function dripped(address, path, width) {
  const context = await browser.newContext({ viewport: { width, height: 800 } })
  await signIn(context, address)
  const page = await context.newPage()
  await watchShifts(page)
  await page.goto(address + path, { waitUntil: 'load', timeout: 120_000 })
  await page.waitForTimeout(100)
  console.log(JSON.stringify({ kind: 'drip', path, width, ...await measure(page) }))
  await context.close()
}

// 50 kbit/s and 400 ms, JavaScript off in the page; the paint is timed by the browser's own trace of the page.
async function slow(path) {
  const context = await browser.newContext({ viewport: { width: 390, height: 800 } })
  await signIn(context)
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  await session.send('Network.enable')
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 400, downloadThroughput: 50_000 / 8, uploadThroughput: 50_000 / 8 })
  await page.goto(address + path, { waitUntil: 'commit' })
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length)
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime)
  console.log(JSON.stringify({ kind: 'slow', path, paint_ms: Math.round(paint) }))
  await context.close()
}

// Reading without JavaScript: front page, an article, its older version, a search, the outlets.
async function walk() {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 390, height: 800 } })
  const page = await context.newPage()
  const steps = []
  await page.goto(address + '/?lang=en')
  await page.locator('.list h2 a').first().click()
  steps.push(await page.locator('article h1').innerText())
  await page.goto(address + '/?lang=en')
  await page.locator('input[name=q]').first().fill('议题之一')
  await page.locator('form button').first().click()
  steps.push(await page.locator('mark').first().innerText())
  await page.locator('.found h2 a').first().click()
  steps.push(await page.locator('article h1').innerText())
  await page.locator('header nav a[href="/outlets"]').click()
  await page.locator('main ul a').first().click()
  steps.push(await page.locator('h1').innerText())
  console.log(JSON.stringify({ kind: 'walk', steps }))
  await context.close()
}

for (const path of paths) await look(path, 320, 'light')
for (const path of paths) await look(path, 1280, 'dark')
const [slowly, close] = await drip(address)
const asked = [...paths, CONTROL_PATH].flatMap(path => [[path, 320], [path, 1280]])
await Promise.all(Array.from({ length: ABREAST }, async () => { for (let one; (one = asked.shift());) await dripped(slowly, ...one) }))
close()
await slow(paths[0])
if (paths.some(path => path.startsWith('/search'))) await walk()
await browser.close()
