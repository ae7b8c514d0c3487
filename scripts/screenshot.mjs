// @ts-check
/** Takes the pictures of reports that stand in docs/: `node scripts/screenshot.mjs page.html picture.png [dark]`. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

const [page, picture, scheme = 'light'] = process.argv.slice(2)
if (page === undefined || picture === undefined || (scheme !== 'light' && scheme !== 'dark'))
  throw new Error('usage: screenshot.mjs <page.html> <picture.png> [light|dark]')
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
const tab = await browser.newPage({ viewport: { width: 1200, height: 860 }, colorScheme: scheme })
await tab.goto(pathToFileURL(resolve(page)).href)
await tab.screenshot({ path: picture })
await browser.close()
