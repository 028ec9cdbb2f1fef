// A page in a headless Chromium with a profile of its own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
]

/** Calls `use` with a new page, whose console goes to stderr, and closes the browser afterwards. */
export async function withPage(use) {
  const profile = await mkdtemp(join(tmpdir(), 'airwave-e2e-'))
  const browser = await chromium.launchPersistentContext(profile, {
    headless: true,
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: FLAGS,
  })
  try {
    const page = await browser.newPage()
    page.on('console', (message) => process.stderr.write(`${message.text()}\n`))
    return await use(page)
  } finally {
    await browser.close()
    await rm(profile, { recursive: true, force: true })
  }
}
