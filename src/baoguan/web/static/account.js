// For who is signed in: m and s tell the account, by the page's own form; and passkeys. No page needs this file.
const form = document.querySelector('#m')
const here = () => /^\/article\/(\w{16})/.exec(location.pathname)?.[1] || /\/article\/(\w{16})$/.exec(document.activeElement.href)?.[1]
const off = () => { try { return (localStorage.off || '').includes('keys') } catch { return false } }

// The server answers with the buttons as they are now; all places of the page that show them are renewed.
async function tell(value, names) {
  const shown = [...document.querySelectorAll('.marks')].filter(one => one.querySelector(`[value="${value}"]`))
  const button = shown[0]?.querySelector(names.map(name => `[name=${name}]`).join())
  if (!button) return
  const body = new URLSearchParams(new FormData(form)), on = !button.name.startsWith('un')
  body.set(button.name, value)
  body.set('back', '/my/marks/' + value)
  const answer = await fetch(form.action, { method: 'POST', body })
  if (!answer.ok) return location.reload()
  const text = await answer.text()
  for (const one of shown) {
    (one.closest('li') || document.querySelector('article')).classList.toggle(names[0], on)
    one.outerHTML = text
  }
  if (names[0] != 'star' || !self.caches) return
  const stars = await caches.open('star'), path = '/article/' + value
  on ? stars.put(path, await fetch(path)) : stars.delete(path, { ignoreVary: true })
}

// Before the reader's own keys, which mark in the browser's storage alone.
if (form) addEventListener('keydown', event => {
  const { key, target } = event, value = here()
  const names = { m: ['read', 'unread'], s: ['star', 'unstar'] }[key]
  if (!names || !value || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) || off()) return
  event.preventDefault()
  event.stopImmediatePropagation()
  tell(value, names)
}, true)

// A key is made or asked for, then the form is sent as any other. Old browsers don't see it.
const key = document.querySelector('#passkey')
if (key && self.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  key.classList.remove('wait')
  key.onsubmit = async event => {
    event.preventDefault()
    const answer = await fetch(key.dataset.options, { method: 'POST', body: new URLSearchParams(new FormData(key)) })
    if (!answer.ok) return location.reload()
    const asked = await answer.json(), { parseCreationOptionsFromJSON: making, parseRequestOptionsFromJSON: asking } = PublicKeyCredential
    // The reader may think better of it.
    try {
      const given = key.dataset.make ? await navigator.credentials.create({ publicKey: making.call(PublicKeyCredential, asked) }) : await navigator.credentials.get({ publicKey: asking.call(PublicKeyCredential, asked) })
      key.elements.credential.value = JSON.stringify(given)
      key.submit()
    } catch {}
  }
}
