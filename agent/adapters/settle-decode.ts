import * as v from 'valibot'
import { describeIssues } from '../../shared/issue.ts'
import type { EndpointRecipe, PoolRecipe } from '../domain/docker-recipes.ts'
import type { SettleEndpoint, SettleNetwork } from '../domain/settle-plan.ts'
import { readDockerAddress, unreadable } from './docker-decode.ts'

const texts = v.record(v.string(), v.string())

const poolSchema = v.object({
  Subnet: v.string(),
  IPRange: v.nullish(v.string()),
  Gateway: v.nullish(v.string()),
  AuxiliaryAddresses: v.nullish(texts),
})

/** `GET /networks/NAME`. */
const networkSchema = v.object({
  Id: v.string(),
  Name: v.string(),
  Driver: v.string(),
  Scope: v.optional(v.string(), 'local'),
  Internal: v.optional(v.boolean(), false),
  Attachable: v.optional(v.boolean(), false),
  Ingress: v.optional(v.boolean(), false),
  EnableIPv4: v.optional(v.boolean()),
  EnableIPv6: v.optional(v.boolean(), false),
  ConfigOnly: v.optional(v.boolean(), false),
  ConfigFrom: v.nullish(v.object({ Network: v.optional(v.string(), '') })),
  IPAM: v.object({
    Driver: v.optional(v.string(), 'default'),
    Options: v.nullish(texts),
    Config: v.nullish(v.array(poolSchema)),
  }),
  Options: v.nullish(texts),
  Labels: v.nullish(texts),
})

const endpointSchema = v.object({
  NetworkID: v.optional(v.string(), ''),
  IPAMConfig: v.nullish(
    v.object({
      IPv4Address: v.nullish(v.string()),
      IPv6Address: v.nullish(v.string()),
      LinkLocalIPs: v.nullish(v.array(v.string())),
    }),
  ),
  Aliases: v.nullish(v.array(v.string())),
  Links: v.nullish(v.array(v.string())),
  DriverOpts: v.nullish(texts),
  GwPriority: v.nullish(v.number()),
  IPAddress: v.nullish(v.string()),
  GlobalIPv6Address: v.nullish(v.string()),
  MacAddress: v.nullish(v.string()),
})

/** `GET /containers/ID/json`. */
const containerSchema = v.object({
  Id: v.string(),
  Name: v.string(),
  State: v.object({
    Running: v.boolean(),
    Restarting: v.optional(v.boolean(), false),
    Status: v.optional(v.string(), ''),
    Error: v.optional(v.string(), ''),
  }),
  Config: v.nullish(v.object({ MacAddress: v.nullish(v.string()) })),
  HostConfig: v.nullish(v.object({ NetworkMode: v.optional(v.string(), '') })),
  NetworkSettings: v.nullish(
    v.object({ Networks: v.nullish(v.record(v.string(), v.nullable(endpointSchema))) }),
  ),
})

const listSchema = v.array(v.object({ Id: v.string() }))

/** A container's place as Docker keeps it now. */
export interface ReadEndpoint extends SettleEndpoint {
  /** The network it was last connected to; empty where it has not been started since. */
  readonly networkId: string
}

function decode<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  throw unreadable(describeIssues(result.issues))
}

/** Decodes `GET /networks/NAME` to what it takes to make that network again. */
export function decodeSettleNetwork(value: unknown): SettleNetwork {
  const network = decode(networkSchema, value)
  return {
    id: network.Id,
    scope: network.Scope,
    isIngress: network.Ingress,
    configFrom: network.ConfigFrom?.Network ?? '',
    isConfigOnly: network.ConfigOnly,
    recipe: {
      Name: network.Name,
      CheckDuplicate: true,
      Driver: network.Driver,
      Internal: network.Internal,
      Attachable: network.Attachable,
      ...(network.EnableIPv4 === undefined ? {} : { EnableIPv4: network.EnableIPv4 }),
      EnableIPv6: network.EnableIPv6,
      IPAM: {
        Driver: network.IPAM.Driver,
        ...(network.IPAM.Options ? { Options: network.IPAM.Options } : {}),
        Config: (network.IPAM.Config ?? []).map(poolOf),
      },
      Options: network.Options ?? {},
      Labels: network.Labels ?? {},
    },
  }
}

function poolOf(pool: v.InferOutput<typeof poolSchema>): PoolRecipe {
  return {
    Subnet: pool.Subnet,
    ...(pool.IPRange ? { IPRange: pool.IPRange } : {}),
    // Some versions print a gateway of Docker's own choice with the length of its subnet.
    ...(pool.Gateway ? { Gateway: pool.Gateway.split('/')[0] ?? pool.Gateway } : {}),
    ...(pool.AuxiliaryAddresses && Object.keys(pool.AuxiliaryAddresses).length > 0
      ? { AuxiliaryAddresses: pool.AuxiliaryAddresses }
      : {}),
  }
}

/**
 * Decodes `GET /containers/ID/json` to the container's place on that network; `null` when it has none,
 * or when the container is about to be removed.
 */
export function decodeSettleEndpoint(value: unknown, networkName: string): ReadEndpoint | null {
  const container = decode(containerSchema, value)
  const endpoint = container.NetworkSettings?.Networks?.[networkName]
  const isGoing = container.State.Status === 'dead' || container.State.Status === 'removing'
  if (endpoint === undefined || endpoint === null || isGoing) return null
  const networkMode = container.HostConfig?.NetworkMode ?? ''
  return {
    containerId: container.Id,
    containerName: container.Name.replace(/^\//, ''),
    isRunning: container.State.Running && !container.State.Restarting,
    isRestarting: container.State.Restarting,
    networkMode,
    userMac: container.Config?.MacAddress || null,
    networkId: endpoint.NetworkID,
    ipv4: endpoint.IPAddress || null,
    ipv6: endpoint.GlobalIPv6Address ? readDockerAddress(endpoint.GlobalIPv6Address) : null,
    mac: endpoint.MacAddress || null,
    recipe: recipeOf(endpoint, container.Id),
  }
}

/**
 * Whether the last try to start a container failed, after which Docker does not try again, whatever its
 * restart policy says. One whose process has ended is none.
 */
export function hasFailedToStart(value: unknown): boolean {
  const { Running, Error: fault } = decode(containerSchema, value).State
  return !Running && fault !== ''
}

function recipeOf(
  endpoint: v.InferOutput<typeof endpointSchema>,
  containerId: string,
): EndpointRecipe {
  const { IPAMConfig, Links, DriverOpts, GwPriority } = endpoint
  // Docker before 25 lists the short id among the aliases and adds it by itself.
  const aliases = (endpoint.Aliases ?? []).filter((alias) => alias !== containerId.slice(0, 12))
  const addresses = {
    ...(IPAMConfig?.IPv4Address ? { IPv4Address: IPAMConfig.IPv4Address } : {}),
    ...(IPAMConfig?.IPv6Address ? { IPv6Address: IPAMConfig.IPv6Address } : {}),
    ...(IPAMConfig?.LinkLocalIPs ? { LinkLocalIPs: IPAMConfig.LinkLocalIPs } : {}),
  }
  return {
    ...(Object.keys(addresses).length > 0 ? { IPAMConfig: addresses } : {}),
    ...(aliases.length > 0 ? { Aliases: aliases } : {}),
    ...(Links ? { Links } : {}),
    ...(DriverOpts ? { DriverOpts } : {}),
    ...(GwPriority ? { GwPriority } : {}),
  }
}

/** Decodes a list of containers to their ids. */
export function decodeIds(value: unknown): readonly string[] {
  return decode(listSchema, value).map(({ Id }) => Id)
}
