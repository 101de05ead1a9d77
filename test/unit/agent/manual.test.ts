import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { runCli } from '../../../agent/cli.ts'

afterEach(() => void vi.restoreAllMocks())

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')

async function helpOf(...command: string[]): Promise<string> {
  let shown = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    shown += String(text)
    return true
  })
  await runCli(['node', 'reprefix-agent', ...command, '--help'])
  write.mockRestore()
  return shown
}

/** The first words of the entries below a heading of `--help`. */
function entries(help: string, heading: string): readonly string[] {
  const section = help.split(`${heading}:\n`)[1]?.split('\n\n')[0] ?? ''
  return [...section.matchAll(/^ {2}(\S.*?)(?: {2,}|$)/gm)].map((match) => match[1] ?? '')
}

const optionsIn = (text: string) => text.match(/(?<![\w-])--?[a-zA-Z][\w-]*/g) ?? []

/** A page of the manual, as sections by name; what is typed in it is plain. */
async function sectionsOf(page: string): Promise<ReadonlyMap<string, string>> {
  const text = await read(`infra/debian/${page}`)
  const plain = text.replaceAll(/\\f[RBI]/g, '').replaceAll('\\-', '-')
  const parts = plain.split(/^\.SH /m).slice(1)
  return new Map(parts.map((part) => [part.split('\n')[0] ?? '', part]))
}

/** What a section explains: the line after each `.TP`, without its macro. */
function explained(section = ''): readonly string[] {
  return [...section.matchAll(/^\.TP\n\.(?:BI?R?|I) (.*)$/gm)].map((match) => match[1] ?? '')
}

const sorted = (words: Iterable<string>) => [...new Set(words)].sort()

describe('the manual page of the agent', () => {
  it('has exactly the commands that there are', async () => {
    const commands = entries(await helpOf(), 'Commands').map((entry) => entry.split(' ')[0] ?? '')
    const told = explained((await sectionsOf('reprefix-agent.8')).get('COMMANDS'))
    expect(commands.length).toBeGreaterThan(5)
    expect(sorted(told.map((line) => line.split(' ')[0] ?? ''))).toEqual(sorted(commands))
  })

  it('has exactly the options that there are, and which command takes them', async () => {
    const section = (await sectionsOf('reprefix-agent.8')).get('OPTIONS') ?? ''
    const commands = entries(await helpOf(), 'Commands').map((entry) => entry.split(' ')[0] ?? '')
    const takers = new Map<string, string[]>()
    const note = (help: string, command: string): void => {
      for (const option of entries(help, 'Options').flatMap(optionsIn)) {
        takers.set(option, [...(takers.get(option) ?? []), command])
      }
    }
    note(await helpOf(), '')
    const own = commands.filter((command) => command !== 'help')
    for (const command of own) note(await helpOf(command), command)
    expect(sorted(explained(section).flatMap(optionsIn))).toEqual(sorted(takers.keys()))
    for (const entry of section.split('.TP\n').slice(1)) {
      const [option = ''] = optionsIn(entry).filter((one) => one.startsWith('--'))
      const [, named] = /\n\.RB \((.*)\)/.exec(entry) ?? []
      const expected = takers.get(option)?.filter((command) => command !== '') ?? []
      // Without a list, an option belongs to every command, or to none of them.
      if (named === undefined) expect([0, own.length], option).toContain(expected.length)
      else expect(sorted(named.match(/[a-z]+/g) ?? []), option).toEqual(sorted(expected))
    }
  })

  it('has exactly the settings that there are', async () => {
    const schema: unknown = JSON.parse(await read('docs/schema/agent.schema.json'))
    const told = [...(await sectionsOf('reprefix-agent.yaml.5'))]
      .filter(([name]) => name !== 'FILES')
      .flatMap(([, section]) => explained(section))
    // What an uplink has in a list is what it has by itself.
    const known = settingsOf(schema).filter((path) => !/^uplinks\./.test(path))
    expect(known.length).toBeGreaterThan(20)
    const groups = known.filter((path) => known.some((other) => other.startsWith(`${path}.`)))
    const single = known.filter((path) => !groups.includes(path))
    expect(sorted(told.filter((path) => !groups.includes(path)))).toEqual(sorted(single))
  })
})

/** The paths of all settings of a JSON schema; lists add nothing, names that a user chooses are NAME. */
function settingsOf(schema: unknown, path = ''): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const own = 'properties' in schema ? Object.entries(schema.properties ?? {}) : []
  const deeper = own.flatMap(([key, value]) => {
    const below = path === '' ? key : `${path}.${key}`
    return [below, ...settingsOf(value, below)]
  })
  const named =
    'additionalProperties' in schema ? settingsOf(schema.additionalProperties, `${path}.NAME`) : []
  const items = 'items' in schema ? settingsOf(schema.items, path) : []
  const choices = 'anyOf' in schema && Array.isArray(schema.anyOf) ? schema.anyOf : []
  const chosen = choices.flatMap((choice: unknown) => settingsOf(choice, path))
  return [...new Set([...deeper, ...named, ...items, ...chosen])]
}
