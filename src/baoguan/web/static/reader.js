// Keys, marks of what was read, and offline reading. No page needs this file. It is the service worker as well.
const LIMITS = { picture: 150, article: 40, page: 20, shell: 2 }, ANY = { ignoreVary: true }
const pathOf = one => new URL(one.url || one, location).pathname
const id = one => /^\/article\/(\w{16})$/.exec(pathOf(one))?.[1]
const kindOf = path => /^\/(media|variants)\//.test(path) ? 'picture' : /^\/(offline|reader.js)$/.test(path) ? 'shell' : id(path) ? 'article' : 'page'
const find = path => caches.match(path, ANY)

// Keeps an answer and lets the oldest of its kind go; what the server no longer has goes from all stores.
async function keep(path, answer) {
  if (/404|410/.test(answer.status)) for (const name of await caches.keys()) await (await caches.open(name)).delete(path, ANY)
  if (answer.status != 200 || /no-store/.test(answer.headers.get('cache-control'))) return
  const kind = kindOf(path), store = await caches.open(kind)
  await store.put(path, answer)
  for (const old of (await store.keys()).slice(0, -LIMITS[kind])) await store.delete(old, ANY)
}

function worker() {
  addEventListener('install', event => event.waitUntil(Promise.all([skipWaiting(), ...['/offline', '/reader.js'].map(async path => keep(path, await fetch(path)))])))
  addEventListener('activate', event => event.waitUntil(clients.claim()))
  addEventListener('fetch', event => {
    const { request } = event, url = new URL(request.url), kind = kindOf(url.pathname)
    if (request.method == 'GET' && url.origin == location.origin && (kind != 'page' || request.mode == 'navigate'))
      event.respondWith(reply(event, url.pathname, kind, /^(.(lang|pictures)=\w+)?$/.test(url.search)))
  })
  // The network first, for four seconds; pictures never change.
  async function reply(event, path, kind, plain) {
    const found = plain && await find(path)
    if (found && kind == 'picture') return found
    const asked = fetch(event.request)
    event.waitUntil(asked.then(got => plain && keep(path, got.clone()), () => 0))
    return Promise.race([asked, ...(found ? [new Promise(done => setTimeout(done, 4000, found))] : [])]).catch(() => found || find('/offline'))
  }
}

function page() {
  const all = query => [...document.querySelectorAll(query)], one = query => document.querySelector(query)
  const list = name => { try { return JSON.parse(localStorage[name] || '[]') } catch { return [] } }
  const has = (name, value) => list(name).includes(value)
  const mark = (name, value, on) => {
    try { localStorage[name] = JSON.stringify([...list(name).filter(old => old != value), ...(on ? [value] : [])].slice(-3000)) } catch {}
    for (const node of one('#m') ? [] : [...links(), ...all('article h1')]) for (const name of ['read', 'star'])
      (node.closest('li') || node).classList.toggle(name, has(name, id(node.href || location)))
  }
  const links = () => all('main li :is(h2, h3) a, #kept a')
  const current = () => id(location) || id(document.activeElement.href || '/')
  const read = async answer => new DOMParser().parseFromString(await answer.text(), 'text/html')
  function move(step) {
    const some = id(location) ? [] : links(), at = some.indexOf(document.activeElement), next = some[at < 0 && step < 0 ? -1 : at + step]
    if (!next) return one(`main a[rel=${step > 0 ? 'next' : 'prev'}]`)?.click()
    next.focus()
    next.scrollIntoView({ block: 'center' })
  }
  async function star(value) {
    const path = '/article/' + value, stars = await caches.open('star'), on = !has('star', value)
    mark('star', value, on)
    on ? stars.put(path, await find(path) || await fetch(path)) : stars.delete(path, ANY)
  }
  const keys = {
    j: () => move(1), k: () => move(-1), o: () => document.activeElement.click(), s: star,
    m: value => mark('read', value, !has('read', value)),
    v: async value => { location = (id(location) ? document : await read(await fetch('/article/' + value))).querySelector('a[rel~=external]').href },
    '/': () => one('[type=search]').focus(), '?': () => { location = '/offline' },
  }
  addEventListener('keydown', event => {
    const { key, target } = event, value = current()
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) || has('off', 'keys') || !keys[key] || (/[osvm]/.test(key) && !value)) return
    event.preventDefault()
    keys[key](value)
  })
  // The articles of the front page come one after the other, unless data is to be saved; the worker keeps them.
  async function fill() {
    if (location.pathname == '/' && !navigator.connection?.saveData)
      for (const link of links().slice(0, 30).reverse()) if (!await find(pathOf(link.href))) await keep(pathOf(link.href), await fetch(link))
  }
  async function shelf(place) {
    for (const box of all('[data-off]')) {
      const name = box.dataset.off
      box.checked = !has('off', name)
      box.onchange = async () => {
        mark('off', name, !box.checked)
        if (box.checked || name != 'store') return location.reload()
        for (const name of await caches.keys()) await caches.delete(name)
        for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister()
        delete localStorage.read
        delete localStorage.star
        place.replaceChildren()
      }
    }
    for (const name of ['star', 'article']) for (const request of (await (await caches.open(name)).keys()).reverse()) {
      const path = pathOf(request), link = document.createElement('a'), line = document.createElement('li'), found = await find(path)
      if (!found || links().some(other => pathOf(other) == path)) continue
      const kept = await read(found)
      link.href = path
      link.textContent = kept.querySelector('h1').textContent
      line.append(link)
      place.append(line)
    }
    mark()
  }
  addEventListener('pageshow', () => mark())
  if (one('#kept')) shelf(one('#kept'))
  if (has('off', 'store')) return
  if (id(location)) mark('read', id(location), true)
  navigator.serviceWorker?.register('/reader.js').then(() => navigator.serviceWorker.ready).then(fill)
}

self.document ? page() : worker()
