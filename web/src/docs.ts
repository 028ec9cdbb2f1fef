// The API reference, read from /openapi.json. Calls made from it go to this server alone.
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'

const darkMode = matchMedia('(prefers-color-scheme: dark)')
const followTheme = () => document.documentElement.classList.toggle('dark-mode', darkMode.matches)
darkMode.addEventListener('change', followTheme)
followTheme()

SwaggerUI({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  displayOperationId: true,
  docExpansion: 'list',
  filter: true,
  // Off: a third-party service would be asked to check the file.
  validatorUrl: null,
})
