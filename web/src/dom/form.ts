// Forms: labelled fields, a submit button and the server's errors.
import { errorText, Problem } from '../client/api'
import { type Attributes, type Child, h, safeUrl } from './element'

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

interface FormOptions {
  fields: Child[]
  action: string
  submit: (data: FormData) => Promise<unknown>
  /** Further buttons. */
  more?: Child
  danger?: boolean
  class?: string
}

/** Creates a form that shows the server's errors and cannot be submitted twice at once. */
export function form({ fields, action, submit, more, danger, class: name }: FormOptions) {
  const error = h('p', { class: 'bad', role: 'alert', hidden: true })
  const button = h('button', { class: danger ? 'main danger' : 'main', type: 'submit' }, action)
  const element = h(
    'form',
    { class: name, onsubmit },
    fields,
    error,
    h('div', { class: 'row' }, button, more),
  )

  async function onsubmit(event: SubmitEvent) {
    event.preventDefault()
    button.disabled = true
    error.hidden = true
    clearMarks(element)
    try {
      await submit(new FormData(element))
    } catch (failure) {
      error.textContent = describe(element, failure)
      error.hidden = false
    } finally {
      button.disabled = false
    }
  }
  return element
}

function clearMarks(element: HTMLFormElement) {
  for (const control of element.querySelectorAll('[aria-invalid]')) control.removeAttribute('aria-invalid')
}

/** Describes an error with the labels of its fields, marks the fields and focuses the first one. */
function describe(element: HTMLFormElement, failure: unknown): string {
  if (!(failure instanceof Problem) || !failure.errors.length) return errorText(failure)
  const named = failure.errors.map(({ path, msg }) => ({
    control: element.elements.namedItem(path),
    path,
    msg,
  }))
  const marked = named.flatMap(({ control }) => (isControl(control) ? [control] : []))
  for (const control of marked) control.setAttribute('aria-invalid', 'true')
  marked[0]?.focus()
  return named
    .map(({ control, path, msg }) => `${(isControl(control) && control.dataset.label) || path} ${msg}`)
    .join('. ')
}

function isControl(found: unknown): found is Control {
  return (
    found instanceof HTMLInputElement ||
    found instanceof HTMLTextAreaElement ||
    found instanceof HTMLSelectElement
  )
}

const labelled = (label: string, control: HTMLElement, ...more: Child[]) => {
  control.dataset.label = label
  return h('label', {}, h('span', {}, label), control, more)
}

export const field = (label: string, name: string, attributes: Attributes = {}) =>
  labelled(label, h('input', { name, ...attributes }))

export function area(label: string, name: string, attributes: Attributes = {}, text = '') {
  return labelled(label, h('textarea', { name, rows: 3, ...attributes }, text))
}

export function choice(
  label: string,
  name: string,
  options: [value: string, text: string][],
  chosen = '',
  attributes: Attributes = {},
) {
  return labelled(
    label,
    h(
      'select',
      { name, ...attributes },
      options.map(([value, text]) => h('option', { value, selected: value === chosen }, text)),
    ),
  )
}

export const check = (label: string, name: string, checked = false, attributes: Attributes = {}) =>
  h(
    'label',
    { class: 'check' },
    h('input', { type: 'checkbox', name, checked, ...attributes }),
    h('span', {}, label),
  )

const MAX_PICTURE_BYTES = 5 * 1024 * 1024

/** A picture field with a preview. `remove` names the field that deletes the current picture. */
export function picture(label: string, name: string, current?: string | null, remove?: string) {
  const address = safeUrl(current)
  const preview = h('img', { class: 'preview', alt: '', src: address, hidden: !address })
  const input = h('input', {
    type: 'file',
    name,
    accept: 'image/jpeg,image/png,image/webp,image/gif',
    onchange: chosen,
  })

  function chosen() {
    const file = input.files?.[0]
    input.setCustomValidity(file && file.size > MAX_PICTURE_BYTES ? 'Pictures are limited to 5 MiB.' : '')
    input.reportValidity()
    if (file && input.validity.valid) void show(file)
  }
  async function show(file: File) {
    preview.src = await dataUrl(file)
    preview.hidden = false
  }
  return [labelled(label, input, preview), remove && address && check('Remove the picture', remove)]
}

function dataUrl(file: File) {
  return new Promise<string>((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result as string)
    reader.onerror = () => reject(reader.error as DOMException)
    reader.readAsDataURL(file)
  })
}

export const text = (data: FormData, name: string) => String(data.get(name) ?? '')

/** Returns the chosen file; browsers submit an empty one if none was chosen. */
export function file(data: FormData, name: string): File | undefined {
  const found = data.get(name)
  return found instanceof File && found.size ? found : undefined
}

/** Returns the id selected, or null. */
export const id = (data: FormData, name: string) => Number(text(data, name)) || null
