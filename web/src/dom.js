// Elements. Text goes in as text nodes: what a user wrote is never markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name in element && typeof value !== 'string') element[name] = value
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat(Infinity).filter((child) => child))
  return element
}

export function toast(text, href) {
  const box = h(href ? 'a' : 'div', { class: 'card toast', href, 'data-link': href ? '' : undefined }, text)
  document.getElementById('toasts').append(box)
  setTimeout(() => box.remove(), 7000)
}

// Presigned and media addresses come from the API; anything but http(s) is dropped.
export function safeUrl(url) {
  try {
    const parsed = new URL(url, location.origin)
    return ['http:', 'https:'].includes(parsed.protocol) ? parsed.href : undefined
  } catch {
    return undefined
  }
}

// A form that shows what the server says about it, and is not sent twice.
export function form(fields, action, submit, ...buttons) {
  const error = h('p', { class: 'bad', role: 'alert', hidden: true })
  const button = h('button', { class: 'main', type: 'submit' }, action)
  const element = h('form', {
    onsubmit: async (event) => {
      event.preventDefault()
      button.disabled = true
      error.hidden = true
      try {
        await submit(Object.fromEntries(new FormData(element)))
      } catch (problem) {
        const details = (problem.errors ?? []).map((field) => `${field.path}: ${field.msg}`).join('; ')
        error.textContent = details || problem.message
        error.hidden = false
      } finally {
        button.disabled = false
      }
    },
  }, fields, error, h('div', { class: 'row' }, button, buttons))
  return element
}

export function field(label, name, attributes = {}, tag = 'input') {
  return h('label', {}, h('span', {}, label), h(tag, { name, ...attributes }))
}

export const time = (text) => (text ? new Date(text).toLocaleString() : '')

export function length(seconds) {
  const whole = Math.round(seconds)
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  if (!parts[0]) parts.shift()
  return parts.map((part, at) => (at ? String(part).padStart(2, '0') : part)).join(':')
}
