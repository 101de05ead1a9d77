import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../../../cloud/commands/program.ts'
import {
  listProviders,
  PROVIDER_HEADER,
  renderProvider,
} from '../../../cloud/dns/provider-table.ts'
import { PROVIDER_TYPES } from '../../../cloud/dns/provider-types.ts'

async function run(...args: string[]): Promise<string[]> {
  const lines: string[] = []
  const out = (text: string) => void lines.push(...text.split('\n'))
  await runProgram(args, { out, err: out, isTty: false })
  return lines
}

describe('reprefix dns providers', () => {
  it('prints a line for each kind', async () => {
    const [header, ...printed] = await run('dns', 'providers')
    const lines = printed.filter((line) => !/^\w+: /.test(line))
    expect(header).toMatch(/^type +service +tier/)
    expect(lines.map((line) => line.split(' ')[0]).sort()).toEqual(
      Object.keys(PROVIDER_TYPES).sort(),
    )
    expect(lines.find((line) => line.startsWith('desec'))).toMatch(
      /deSEC +1 +up to 500 RRsets at once +from 60 s .*300 writes per day and zone/,
    )
  })

  it('prints the warning of each kind that has one', async () => {
    const printed = (await run('dns', 'providers')).filter((line) => /^\w+: /.test(line))
    const kinds = listProviders().filter(({ warning, tier }) => warning !== null || tier === 3)
    expect(printed).toEqual(kinds.map(({ type, warning }) => `${type}: ${warning}`))
    expect(printed.join()).toContain('infomaniak: ')
  })

  it('prints JSON with what providers are built from', async () => {
    const rows = (await run('dns', 'providers', '--json')).map((line) => JSON.parse(line))
    expect(rows).toEqual(listProviders())
    const cloudflare = rows.find(({ type }) => type === 'cloudflare')
    expect(cloudflare).toMatchObject({
      ...{ title: 'Cloudflare', tier: 1, warning: null },
      capabilities: { maxBatch: 200, atomic: true },
      limits: [{ count: 1200, seconds: 300, on: 'all', per: 'credential' }],
    })
  })
})

describe('the guide to DNS providers', () => {
  const path = 'docs/guides/dns-providers.md'

  // `npx vitest run --project unit test/unit/cloud/dns-commands.test.ts -u` writes the table anew.
  it('holds the table that the program prints', async () => {
    const guide = await readFile(path, 'utf8')
    const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
    const rows = listProviders().map((row) => {
      const [type = '', title = '', ...rest] = renderProvider(row)
      return line([`\`${type}\``, `[${title}](${row.docs})`, ...rest])
    })
    const rule = line(PROVIDER_HEADER.map(() => '---'))
    const warnings = listProviders().flatMap(({ type, warning }) =>
      warning === null ? [] : [`- \`${type}\`: ${warning}.`],
    )
    const table = [line(PROVIDER_HEADER), rule, ...rows, '', ...warnings].join('\n')
    const written = guide.replace(
      /(<!-- table of providers[^\n]*-->\n)[\s\S]*?(<!-- end of table -->)/,
      (_, start: string, end: string) => `${start}${table}\n${end}`,
    )
    expect(written).toContain(table)
    await expect(written).toMatchFileSnapshot(`../../../${path}`)
  })

  it('has a row of settings for every kind', async () => {
    const guide = await readFile(path, 'utf8')
    const [settings = ''] = guide.split('## What each can do')
    for (const type of Object.keys(PROVIDER_TYPES)) expect(settings).toContain(`| \`${type}\` |`)
  })
})
