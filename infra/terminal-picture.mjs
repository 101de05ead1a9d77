// Turns coloured terminal output into an SVG: node infra/terminal-picture.mjs TITLE < output > picture.svg
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'

const CELL = { width: 8.4, height: 19 }
const MARGIN = 16
const BAR = 34
const COLOURS = /** @type {Record<number, string>} */ ({
  30: '#3b4252',
  31: '#e06c75',
  32: '#8cc570',
  33: '#e5c07b',
  34: '#61afef',
  35: '#c678dd',
  36: '#56b6c2',
  37: '#d7dae0',
  90: '#7f8793',
  91: '#f08b94',
  92: '#a8d88f',
  93: '#f0d197',
  94: '#86c5f7',
  95: '#d7a0e6',
  96: '#7fd0da',
  97: '#ffffff',
})

/** @param {string} value */
const escapeXml = (value) =>
  value.replace(/[&<>]/g, (c) => (c === '&' ? '&amp;' : c === '<' ? '&lt;' : '&gt;'))

/**
 * One line as tspans: every "select graphic rendition" sequence (ECMA-48 §8.3.117) starts a new one.
 * @param {string} line
 */
function renderLine(line) {
  let colour = COLOURS[37]
  let isBold = false
  let isDim = false
  let column = 0
  let out = ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is parsed here
  for (const part of line.split(/(\x1b\[[\d;]*m)/)) {
    if (part.startsWith('\x1b[')) {
      for (const code of part.slice(2, -1).split(';').map(Number)) {
        if (code === 0) [colour, isBold, isDim] = [COLOURS[37], false, false]
        else if (code === 1) isBold = true
        else if (code === 2) isDim = true
        else if (code === 22) [isBold, isDim] = [false, false]
        else if (code === 39) colour = COLOURS[37]
        else colour = COLOURS[code] ?? colour
      }
    } else if (part !== '') {
      const x = (MARGIN + column * CELL.width).toFixed(1)
      const weight = isBold ? ' font-weight="bold"' : ''
      const opacity = isDim ? ' opacity="0.6"' : ''
      out += `<tspan x="${x}" fill="${colour}"${weight}${opacity}>${escapeXml(part)}</tspan>`
      column += [...part].length
    }
  }
  return out
}

const title = process.argv[2] ?? 'terminal'
const lines = (await text(process.stdin)).replace(/\s+$/, '').split(/\r?\n/)
const columns = Math.max(...lines.map((line) => [...stripVTControlCharacters(line)].length))
const width = Math.ceil(columns * CELL.width + 2 * MARGIN)
const height = BAR + lines.length * CELL.height + 2 * MARGIN
const body = lines.map((line, i) => {
  const y = BAR + MARGIN + (i + 0.8) * CELL.height
  return `<text y="${y.toFixed(1)}" xml:space="preserve">${renderLine(line)}</text>`
})
const lights = ['#e06c75', '#e5c07b', '#8cc570'].map(
  (fill, i) => `<circle cx="${20 + i * 20}" cy="${BAR / 2}" r="6" fill="${fill}"/>`,
)

console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">
<title>${escapeXml(title)}</title>
<rect width="100%" height="100%" rx="8" fill="#1e2127"/>
${lights.join('')}<text x="${width / 2}" y="${BAR / 2 + 5}" fill="#7f8793" text-anchor="middle">${escapeXml(title)}</text>
${body.join('\n')}
</svg>`)
