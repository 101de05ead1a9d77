import { ReprefixError } from '../../shared/errors.ts'
import { countRouters, parseAddresses, parseDelegatedRoutes } from '../domain/ip-json.ts'
import type { UplinkIntent } from '../domain/model.ts'
import {
  type Argv,
  type CommandResult,
  lastWords,
  type RunCommand,
  requireSuccess,
} from './command.ts'
import { parseLinks, parseOwnRoutes, parseProxiedNeighbours } from './ip-links.ts'
import {
  type AddressStep,
  type HostStep,
  type HostView,
  type NamespaceView,
  type Network,
  ROUTE_PROTOCOL,
} from './network.ts'

// What `ip` says when the route or address to take away is gone already (LC_ALL=C). Kernels from 6.6 on
// have words of their own for the address.
const ALREADY_GONE = /No such process|Cannot assign requested address|address not found/

/** Goes on after a line that fails. */
const BATCH: Argv = ['ip', '-6', '-force', '-batch', '-']

/** Clients may use a table of their own, so all of them are looked through. */
const REFUSING_ROUTES = ['unreachable', 'blackhole'].map(
  (type) => `route show table all type ${type}`,
)

/** One line of `ip -batch` for a step. Valid lifetime must be said: without it, `ip` means forever. */
export function renderStep(step: AddressStep | HostStep): string {
  switch (step.kind) {
    case 'address-add':
      // nodad: the suffix is ours alone, and the second that DAD takes would be an outage.
      return `address replace ${step.address}/${step.length} dev ${step.interface} nodad`
    case 'address-deprecate': {
      // Without that word the kernel forgets that it made the address, and drops its temporary ones.
      const own = step.isLearnt ? ' mngtmpaddr' : ''
      return renderDeprecation(step, own)
    }
    case 'uplink-deprecate':
      return renderDeprecation(step)
    case 'address-remove':
      return `address del ${step.address}/${step.length} dev ${step.interface}`
    case 'route-add':
    case 'route-move':
      // A route, not an address of the bridge: dockerd with live-restore removes foreign addresses.
      return `route replace ${step.subnet} dev ${step.bridge} proto ${ROUTE_PROTOCOL}`
    case 'route-remove':
      return `route del ${step.subnet} dev ${step.bridge} proto ${ROUTE_PROTOCOL}`
  }
}

function renderDeprecation(
  step: Extract<AddressStep | HostStep, { kind: 'address-deprecate' | 'uplink-deprecate' }>,
  own = '',
): string {
  const target = `${step.address}/${step.length} dev ${step.interface}`
  return `address change ${target}${own} preferred_lft 0 valid_lft ${step.validSeconds ?? 'forever'}`
}

/**
 * Reads from an `ip -force -batch` run which of its lines failed, as line number (from 1) → message.
 * `ip` prints the kernel's words, then `Command failed -:LINE`.
 */
export function failedLines(result: CommandResult, lines: number): ReadonlyMap<number, string> {
  const failed = new Map<number, string>()
  if (result.exitCode === 0) return failed
  let words = ''
  for (const line of result.stderr.split('\n')) {
    const number = /^Command failed -:(\d+)/.exec(line)?.[1]
    if (number === undefined) words = line.trim() || words
    else failed.set(Number(number), words)
  }
  // A batch that stopped for another reason says no line: then none of them can be trusted.
  if (failed.size === 0) {
    for (let line = 1; line <= lines; line++) failed.set(line, lastWords(result))
  }
  return failed
}

function viewOf(json: string): NamespaceView {
  return {
    links: parseLinks(json),
    addressesOf: (interfaceName) => parseAddresses(json, interfaceName),
  }
}

/**
 * Tells the documents of a batch apart by what is in them, one JSON array a line: for an empty answer
 * some versions print an empty array and others nothing.
 */
function sortDocuments(text: string) {
  const documents = text.split('\n').filter((line) => line.includes('{"'))
  const isAbout = (line: string, member: string) => line.includes(`"${member}":`)
  return {
    routes: documents.filter((line) => isAbout(line, 'dst') && !isAbout(line, 'proxy')),
    neighbours: documents.find((line) => isAbout(line, 'dst') && isAbout(line, 'proxy')) ?? '',
    addresses: documents.filter((line) => isAbout(line, 'addr_info')),
    links:
      documents.find((line) => isAbout(line, 'link_type') && !isAbout(line, 'addr_info')) ?? '',
  }
}

/**
 * Reads and changes addresses and routes with iproute2, all that is asked at once by one `ip -batch`:
 * each process costs more than what it prints. Sysfs would show the links of the namespace that mounted
 * it, not ours. An uplink that is not there is read as just that.
 */
export function createIproute(
  run: RunCommand,
  uplinks: readonly Pick<UplinkIntent, 'uplink' | 'source'>[],
): Network {
  // `link` comes last: it changes the address family of the commands after it.
  const isDelegated = uplinks.some(({ source }) => source === 'route')
  const lines = [
    'route show',
    ...(isDelegated ? REFUSING_ROUTES : []),
    'neigh show proxy',
    ...uplinks.map(({ uplink }) => `address show dev ${uplink}`),
    'link show',
  ]
  const input = `${lines.join('\n')}\n`

  async function lookAtHost(): Promise<HostView> {
    const result = await run(['ip', '-6', '-json', '-force', '-batch', '-'], { input })
    const { addresses, routes, neighbours, links: linkText } = sortDocuments(result.stdout)
    const links = parseLinks(linkText)
    const expected = uplinks
      .filter(({ uplink }) => !links.some(({ name }) => name === uplink))
      .map(({ uplink }) => lines.indexOf(`address show dev ${uplink}`) + 1)
    const failed = [...failedLines(result, lines.length).keys()]
    if (!failed.every((line) => expected.includes(line))) {
      throw new ReprefixError(
        'COMMAND_FAILED',
        `failed to read the addresses and routes: ${lastWords(result)}`,
      )
    }
    const delegations = isDelegated ? routes.flatMap(parseDelegatedRoutes) : []
    return {
      links,
      addressesOf: (name) => addresses.flatMap((document) => parseAddresses(document, name)),
      routersOf: (name) => Math.max(0, ...routes.map((document) => countRouters(document, name))),
      // One prefix, however many tables and commands show it.
      delegations: [...new Map(delegations.map((one) => [one.prefix, one])).values()],
      routes: routes.flatMap(parseOwnRoutes),
      neighbours: parseProxiedNeighbours(neighbours),
    }
  }

  async function lookInto(pid: number): Promise<NamespaceView> {
    const result = await run(['nsenter', '-t', `${pid}`, '-n', 'ip', '-json', 'address', 'show'])
    return viewOf(requireSuccess(result, `failed to read the addresses of process ${pid}`).stdout)
  }

  const change: Network['change'] = async (pid, steps) => {
    const argv: Argv = pid === 'self' ? BATCH : ['nsenter', '-t', `${pid}`, '-n', ...BATCH]
    const result = await run(argv, { input: `${steps.map(renderStep).join('\n')}\n` })
    const failures = new Map<number, string>()
    for (const [line, words] of failedLines(result, steps.length)) {
      const isRemoval = steps[line - 1]?.kind.endsWith('-remove')
      if (isRemoval && ALREADY_GONE.test(words)) continue
      failures.set(line - 1, words === '' ? 'ip failed without a message' : words)
    }
    return failures
  }

  return { means: 'iproute2', lookAtHost, lookInto, change }
}
