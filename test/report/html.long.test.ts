import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import { pageHtml } from '../../src/report/html.js'
import { markup } from '../../src/report/markup.js'
import { reportPage } from '../../src/report/report-page.js'
import { comparedPage, historyPage, hostilePage, measured, runPage, spansPage } from './html-pages.js'

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** A right-to-left override, a mark, a script, the end of one, an attribute, and a word of 3,000 letters. */
const HOSTILE = `<script>globalThis.hit=1</script></script></style>"><img src=x onerror="globalThis.hit=1">\u202Egnp\u200F ${'w'.repeat(3000)}`

const html = (input: Parameters<typeof reportPage>[0]): string => pageHtml(reportPage(input), '0.1.0')
const pages = {
  'one run': () => html(runPage()),
  'two snapshots': () => html(comparedPage()),
  'a history': () => html(historyPage()),
  'production spans': () => html(spansPage()),
  'hostile text': () => html(hostilePage(HOSTILE)),
}

describe.skipIf(!existsSync(CHROMIUM))(`in a browser (${CHROMIUM} is needed)`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-html-'))
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  })
  afterAll(async () => {
    await browser.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Opens a page from disk; what it says and asks for is kept. */
  async function open(name: keyof typeof pages, width: number, colorScheme: 'light' | 'dark') {
    const file = join(folder, `${name}.html`)
    if (!existsSync(file)) writeFileSync(file, pages[name]())
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme })
    const page = await context.newPage()
    const asked: string[] = []
    const said: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', (error) => said.push(error.message))
    const url = pathToFileURL(file).href
    await page.goto(url)
    return { page, asked, said, url, close: () => context.close() }
  }

  for (const name of Object.keys(pages) as (keyof typeof pages)[]) {
    it.each([
      [375, 'light'],
      [375, 'dark'],
      [1280, 'light'],
      [1280, 'dark'],
    ] as const)(
      `${name} at %i px, %s: no console error, no request, no overflow, axe finds nothing serious`,
      async (width, scheme) => {
        const { page, asked, said, url, close } = await open(name, width, scheme)
        await unfold(page)
        expect(await overflowing(page)).toEqual([])
        expect(said).toEqual([])
        expect(asked).toEqual([url])
        expect(await violations(page)).toEqual([])
        await close()
      },
    )
  }

  it('hostile text stays text: no script, picture or style of its, no bidirectional control', async () => {
    const { page, close } = await open('hostile text', 1280, 'light')
    expect(await page.evaluate(`'hit' in globalThis`)).toBe(false)
    expect(await page.locator('script, img, iframe, [onerror], [style]').count()).toBe(0)
    expect(await page.locator('style').count()).toBe(1)
    const text = await page.locator('body').textContent()
    expect(text).toContain('<script>globalThis.hit=1</script>')
    expect(text).not.toMatch(/[\u202A-\u202E\u2066-\u2069\u200E\u200F]/)
    await close()
  })

  it('every table behind a picture is reached by the keyboard, and each control shows that it has the focus', async () => {
    const { page, close } = await open('one run', 1280, 'light')
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').textContent()).toBe('Skip to the results')
    const summaries = await page.locator('summary').count()
    expect(summaries).toBeGreaterThan(3)
    let reached = 0
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press('Tab')
      const seen = z.nullable(z.object({ name: z.string(), outline: z.string() })).parse(
        await page.evaluate(
          `document.activeElement === document.body ? null :
              { name: document.activeElement.tagName, outline: getComputedStyle(document.activeElement).outlineStyle }`,
        ),
      )
      if (seen === null) break
      expect(seen.outline).not.toBe('none')
      if (seen.name === 'SUMMARY') reached++
    }
    expect(reached).toBe(summaries)
    await close()
  })

  it('print shows the folded tables, in light colours even where the screen is dark', async () => {
    const { page, close } = await open('one run', 1280, 'dark')
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(ground).toBe('rgb(253, 253, 251)')
    const heights = await Promise.all(
      (await page.locator('details table').all()).map(
        async (table) => (await table.boundingBox())?.height ?? 0,
      ),
    )
    expect(heights.length).toBeGreaterThan(3)
    expect(Math.min(...heights)).toBeGreaterThan(10)
    await close()
  })
})

const unfold = (page: Page): Promise<unknown> =>
  page.evaluate(`for (const each of document.querySelectorAll('details')) each.open = true`)

/** What sticks out of the page to the right, unless it lies in a frame that scrolls. */
async function overflowing(page: Page): Promise<string[]> {
  const found = await page.evaluate(
    `[...document.querySelectorAll('body *')]
      .filter((element) => element.closest('.scroll, .skip, svg') === null)
      .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      .map((element) => element.outerHTML.slice(0, 80))
      .concat(document.documentElement.scrollWidth > innerWidth ? ['page'] : [])`,
  )
  return z.array(z.string()).parse(found)
}

const Axe = z.object({
  violations: z.array(
    z.object({ id: z.string(), impact: z.string(), nodes: z.array(z.object({ html: z.string() })) }),
  ),
})

/** Serious and critical ones; from outside the page, whose policy lets no script in. */
async function violations(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page)
  await session.send('Page.setBypassCSP', { enabled: true })
  await page.reload()
  await unfold(page)
  await page.addScriptTag({ path: AXE })
  const { violations: all } = Axe.parse(await page.evaluate(`axe.run({ resultTypes: ['violations'] })`))
  return all
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`)
}

test('a report on 10,000 samples is below 400 kB, and says that points were left out', () => {
  const text = html({ ...runPage(), snapshot: measured('large', undefined, 455) })
  expect(text.length).toBeLessThan(400_000)
  expect(text).toContain('left out, evenly')
})

test('a value of a template is text, whatever it holds; lists are joined and null is nothing', () => {
  const { markup: text } = markup`<a title="${'"><b>'}">${['<', null, 1 / 3]}</a>`
  expect(text).toBe('<a title="&#34;&gt;&lt;b&gt;">&lt;0.33</a>')
})
