import { ReprefixError } from '../shared/errors.ts'
import type { CloudConfig } from './check-config.ts'

/** Where the cloud can run. */
export const RUNTIMES = ['node', 'lambda', 'workers'] as const
export type Runtime = (typeof RUNTIMES)[number]

const STORES: Readonly<Record<Runtime, readonly CloudConfig['store']['kind'][]>> = {
  node: ['file', 'server', 'dynamodb'],
  lambda: ['dynamodb'],
  workers: ['d1'],
}
const STORE_FAULTS = {
  node: 'd1 is there on Workers only: write file:PATH, libsql://HOST or dynamodb:TABLE',
  lambda: 'an instance keeps no files and has no D1: write dynamodb:TABLE',
  workers: 'a Worker keeps no files, and the SDK of DynamoDB is too large for it: write d1:BINDING',
}
const KEY_REMEDY =
  'an instance keeps no files: make a key with "reprefix audit new-key", store it as a secret, and write key: "$' +
  '{env:LOG_KEY}"'

/**
 * Refuses what a runtime cannot do, before it is needed.
 * @throws ReprefixError CONFIG_INVALID with one line per fault: file, path, remedy
 */
export function requireRuntime(config: CloudConfig, runtime: Runtime, fileName: string): void {
  const faults = runtimeFaults(config, runtime)
  if (faults.length === 0) return
  throw new ReprefixError(
    'CONFIG_INVALID',
    faults.map((fault) => `${fileName}: ${fault}`).join('\n'),
  )
}

function runtimeFaults(config: CloudConfig, runtime: Runtime): readonly string[] {
  const faults: string[] = []
  if (!STORES[runtime].includes(config.store.kind)) faults.push(`store: ${STORE_FAULTS[runtime]}`)
  if (runtime === 'node') return faults
  if (config.logKey.kind === 'file') faults.push(`log.key: ${KEY_REMEDY}`)
  if (config.logNextKey?.kind === 'file') faults.push(`log.nextKey: ${KEY_REMEDY}`)
  if (runtime === 'lambda') return faults
  for (const [id, provider] of Object.entries(config.providers)) {
    if (provider.type === 'route53' && provider.accessKeyId === undefined) {
      faults.push(`providers.${id}: a Worker has no role at AWS: give accessKeyId and secret`)
    }
    if (provider.type !== 'dyndns2') continue
    faults.push(
      `providers.${id}: a Worker cannot ask the zone's name servers, which alone tell what such a service holds; run this cloud on Node or Lambda, or use the service's own API`,
    )
  }
  for (const { name, nameServers } of config.zones) {
    if (nameServers === undefined || config.dnsOverHttps.length > 0) continue
    faults.push(
      `zones.${name}.nameServers: a Worker cannot ask them: name resolvers under dnsOverHttps instead`,
    )
  }
  return faults
}
