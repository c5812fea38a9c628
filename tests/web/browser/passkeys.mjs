// node passkeys.mjs MODULES CHROMIUM ADDRESS NAME PASSWORD: makes a passkey in chromium's virtual authenticator, logs in by it.
import { createRequire } from 'node:module'
const require = createRequire(process.argv[2] + '/')
const { chromium } = require('playwright-core')
const [, , , executablePath, address, name, password] = process.argv
const seen = {}
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] })
const context = await browser.newContext()
const page = await context.newPage()
const complaints = []
page.on('console', message => { if (/refused|violat/i.test(message.text()) && message.type() == 'error') complaints.push(message.text()) })
// A page that is left while its service worker registers: the browser tells so, nothing is wrong with it.
const left = /^AbortError: Failed to register a ServiceWorker/
page.on('pageerror', error => left.test(String(error)) || complaints.push(String(error)))
const session = await context.newCDPSession(page)
await session.send('WebAuthn.enable')
await session.send('WebAuthn.addVirtualAuthenticator', {
  options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
})

await page.goto(address + '/login?lang=en')
await page.getByLabel('User name').fill(name)
await page.getByLabel('Password').fill(password)
await page.getByRole('button', { name: 'Log in', exact: true }).click()
await page.goto(address + '/my/account')
await page.getByLabel('Name of the passkey').fill('laptop')
await page.locator('#passkey button').click()
await page.waitForURL(/note=saved/)
seen.made = await page.locator('form[action="/my/passkey"] [name=id]').evaluateAll(all => all.map(one => one.closest('li').firstChild.textContent.trim()))
await page.getByRole('button', { name: 'Log out', exact: true }).click()
await page.waitForURL(address + '/')

// What the form sends is caught, to be sent again and changed.
let sent = ''
page.on('request', request => { if (new URL(request.url()).pathname == '/login/passkey') sent = request.postData() })
await page.goto(address + '/login')
await page.getByRole('button', { name: 'Log in with a passkey' }).click()
await page.waitForURL(address + '/my')
seen.home = new URL(page.url()).pathname
await page.goto(address + '/my/account')
seen.name = await page.locator('h1').innerText()

const stranger = await browser.newContext()
const other = await stranger.newPage()
const post = async change => {
  await other.goto(address + '/login')
  const body = new URLSearchParams(sent)
  body.set('csrf', await other.locator('#passkey [name=csrf]').inputValue())
  change(body)
  return other.evaluate(async text => (await fetch('/login/passkey', { method: 'POST', body: new URLSearchParams(text), redirect: 'manual' })).status, body.toString())
}
seen.again = [
  await post(() => {}),
  await post(body => body.set('csrf', new URLSearchParams(sent).get('csrf'))),
  await post(body => {
    const given = JSON.parse(body.get('credential'))
    const data = JSON.parse(atob(given.response.clientDataJSON.replaceAll('-', '+').replaceAll('_', '/')))
    data.challenge = btoa('x.9999999999999.' + 'y'.repeat(22)).replaceAll('=', '')
    given.response.clientDataJSON = btoa(JSON.stringify(data)).replaceAll('=', '')
    body.set('credential', JSON.stringify(given))
  }),
]

await page.locator('form[action="/my/passkey"] [name=revoke]').click()
seen.revoked = await page.locator('form[action="/my/passkey"] [name=id]').count()
await page.getByRole('button', { name: 'Log out', exact: true }).click()
await page.waitForURL(address + '/')
await page.goto(address + '/login')
const [answer] = await Promise.all([
  page.waitForResponse(one => new URL(one.url()).pathname == '/login/passkey'),
  page.getByRole('button', { name: 'Log in with a passkey' }).click(),
])
seen.refused = answer.status()

const old = await browser.newContext()
await old.addInitScript(() => { delete window.PublicKeyCredential })
const last = await old.newPage()
await last.goto(address + '/login')
seen.without = await last.getByRole('button', { name: 'Log in with a passkey' }).count()
seen.complaints = complaints
console.log(JSON.stringify(seen))
await browser.close()
