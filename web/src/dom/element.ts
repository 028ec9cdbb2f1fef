// DOM elements. Text becomes text nodes, so user input is never markup.

type Scalar = string | number | boolean | null | undefined
export type Child = Node | Scalar | Child[]
type Handlers = { [E in keyof HTMLElementEventMap as `on${E}`]?: (event: HTMLElementEventMap[E]) => unknown }
type Named =
  | 'accept'
  | 'alt'
  | 'autocapitalize'
  | 'autocomplete'
  | 'autofocus'
  | 'autoplay'
  | 'checked'
  | 'class'
  | 'colspan'
  | 'controls'
  | 'datetime'
  | 'dirname'
  | 'disabled'
  | 'download'
  | 'enctype'
  | 'enterkeyhint'
  | 'for'
  | 'hidden'
  | 'href'
  | 'id'
  | 'inputmode'
  | 'lang'
  | 'loading'
  | 'max'
  | 'maxlength'
  | 'method'
  | 'min'
  | 'minlength'
  | 'multiple'
  | 'muted'
  | 'name'
  | 'novalidate'
  | 'open'
  | 'pattern'
  | 'placeholder'
  | 'playsInline'
  | 'poster'
  | 'required'
  | 'role'
  | 'rows'
  | 'scope'
  | 'selected'
  | 'src'
  | 'step'
  | 'tabindex'
  | 'title'
  | 'type'
  | 'value'
export type Attributes = Handlers & { [name in Named]?: Scalar } & {
  [name: `aria-${string}` | `data-${string}`]: Scalar
}

export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener)
    // Some properties, such as muted, cannot be changed by an attribute after creation.
    else if (value === true && name in element) Object.assign(element, { [name]: true })
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...nodes(children))
  return element
}

/** Flattens children and drops those that a condition left out. */
function nodes(children: Child[]): (Node | string)[] {
  return children.flatMap((child) => {
    if (Array.isArray(child)) return nodes(child)
    if (child === null || child === undefined || child === false || child === '') return []
    return [child instanceof Node ? child : String(child)]
  })
}

/** Creates a link that the router handles. */
export const link = (path: string, attributes: Attributes, ...children: Child[]) =>
  h('a', { ...attributes, href: path, 'data-link': '' }, ...children)

/**
 * Shows a message for some seconds and has screen readers announce it. An open dialog hides everything else,
 * so the message appears in it.
 */
export function toast(text: string, path?: string) {
  const box = path ? link(path, { class: 'card toast' }, text) : h('div', { class: 'card toast' }, text)
  const place = document.querySelector('dialog[open] > [role="status"]') ?? document.getElementById('toasts')
  place?.append(box)
  setTimeout(() => box.remove(), 7000)
}

/** Returns a URL from the API if it is http(s). */
export function safeUrl(url: string | null | undefined): string | undefined {
  if (!url) return undefined
  try {
    const parsed = new URL(url, location.origin)
    return ['http:', 'https:'].includes(parsed.protocol) ? parsed.href : undefined
  } catch {
    return undefined
  }
}
