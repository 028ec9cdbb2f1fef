// Opens the API reference at /docs and prints one JSON object:
//
//   {operations, violations, foreign, errors}
//
// `operations` are the operation ids shown, `violations` those of the content security policy, `foreign` the
// URLs of other origins that were requested. Arguments: the page's origin and, optionally, a path for a
// screenshot.
import { withPage } from './browser.mjs'

const [origin, screenshot] = process.argv.slice(2)
await withPage(async (page) => {
  const requested = []
  const errors = []
  page.on('request', (request) => requested.push(request.url()))
  page.on('pageerror', (error) => errors.push(error.message))
  await page.addInitScript(() => {
    window.violations = []
    document.addEventListener('securitypolicyviolation', (event) =>
      window.violations.push(event.violatedDirective),
    )
  })
  await page.goto(`${origin}/docs`)
  await page.locator('.opblock').first().waitFor()
  // An operation shows its parameters and responses.
  await page.locator('.opblock-summary-control').first().click()
  await page.locator('.opblock .responses-table').first().waitFor()
  if (screenshot) await page.screenshot({ path: screenshot })
  const operations = await page.locator('.opblock-summary-operation-id').allTextContents()
  const violations = await page.evaluate(() => window.violations)
  const foreign = requested.filter((url) => !url.startsWith(origin) && !url.startsWith('data:'))
  process.stdout.write(`${JSON.stringify({ operations, violations, foreign, errors })}\n`)
})
