import {
  decodeContainers,
  decodeDockerFacts,
  decodeNetworks,
  decodePid,
  decodeRunningCount,
} from '../../agent/adapters/docker-decode.ts'
import { parseFilterTable } from '../../agent/adapters/ip6tables.ts'
import { parseVariant } from '../../agent/adapters/ip6tables-variant.ts'
import { decodeAttributes, decodeMessages } from '../../agent/adapters/netlink-message.ts'
import { parseKnownAddresses, subnetsRoutedTo } from '../../agent/adapters/proc-net.ts'
import { parseVerdict } from '../../agent/adapters/report-client.ts'
import {
  decodeAddresses,
  decodeLinks,
  decodeProxies,
  decodeRoutes,
} from '../../agent/adapters/rtnetlink-answers.ts'
import {
  decodeIds,
  decodeSettleEndpoint,
  decodeSettleNetwork,
  hasFailedToStart,
} from '../../agent/adapters/settle-decode.ts'
import { readTextMember, replaceTextMember } from '../../agent/domain/daemon-json.ts'
import { parseDelegations } from '../../agent/domain/delegation.ts'
import { countRouters, parseAddresses, parseDelegatedRoutes } from '../../agent/domain/ip-json.ts'
import { withoutBlocks, withoutRules } from '../../agent/domain/ndppd-block.ts'
import { renderNdppdConfig } from '../../agent/domain/ndppd-config.ts'
import { findProxySections } from '../../agent/domain/ndppd-syntax.ts'
import { decodeMessage, rcodeOf } from '../../cloud/dns/dns-message.ts'
import { verifyMessage } from '../../cloud/dns/tsig.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { bytesDecoder, type Decoder, jsonDecoder, textDecoder } from './decoder.ts'
import * as samples from './host-samples.ts'

const BLOCK = { uplink: 'eth0', bridges: ['br-web'], within: [parsePrefix('2000::/3')] }
const DOCKER_CODES = ['DOCKER_UNREACHABLE'] as const

/** Files and the output of programs. */
function textDecoders(): readonly Decoder[] {
  return [
    textDecoder({
      name: 'ip -json address',
      samples: samples.IP_ADDRESS,
      decode: (text) => parseAddresses(text, 'eth0'),
      codes: ['IP_OUTPUT_INVALID'],
    }),
    textDecoder({
      name: 'ip -json route',
      samples: samples.IP_ROUTE,
      decode: (text) => [countRouters(text, 'eth0'), parseDelegatedRoutes(text)],
      codes: ['IP_OUTPUT_INVALID'],
    }),
    textDecoder({
      name: 'if_inet6 and ipv6_route',
      samples: samples.PROC_NET,
      decode: (text) => [parseKnownAddresses(text), subnetsRoutedTo(text, 'eth0')],
      codes: ['IP_OUTPUT_INVALID'],
    }),
    textDecoder({
      name: 'ndppd.conf',
      samples: samples.NDPPD,
      decode: (text) => {
        findProxySections(text)
        return renderNdppdConfig(text, BLOCK)
      },
      render: (text) => text,
      codes: ['NDPPD_CONFIG_INVALID'],
    }),
    textDecoder({
      name: 'our block of ndppd.conf',
      samples: samples.NDPPD.map((text) => renderNdppdConfig(text, BLOCK)),
      decode: (text) => [withoutBlocks(text), withoutRules(text, ['br-web'])],
      codes: ['NDPPD_CONFIG_INVALID'],
    }),
    textDecoder({
      name: 'ip6tables -S',
      samples: samples.IP6TABLES,
      decode: (text) => [parseFilterTable(text), parseVariant(text)],
      codes: [],
    }),
    textDecoder({
      name: 'delegations',
      samples: samples.DELEGATIONS,
      decode: parseDelegations,
      codes: [],
    }),
    textDecoder({
      name: 'daemon.json',
      samples: samples.DAEMON_JSON,
      decode: (text) => {
        const replaced = replaceTextMember(text, 'fixed-cidr-v6', '2001:db8::/80')
        const again = 'value' in replaced ? readTextMember(replaced.value, 'fixed-cidr-v6') : null
        if (again !== null && (!('value' in again) || again.value !== '2001:db8::/80')) {
          throw new Error(`it was not replaced: ${JSON.stringify(again)}`)
        }
        return [readTextMember(text, 'fixed-cidr-v6'), replaced]
      },
      codes: [],
    }),
    textDecoder({
      name: "the cloud's answer",
      samples: samples.ANSWERS,
      decode: (text) =>
        [200, 202, 401, 409, 403, 503].map((status) =>
          parseVerdict({ status, text, retryAfter: text.slice(0, 4) }),
        ),
      codes: [],
    }),
  ]
}

function dockerDecoders(): readonly Decoder[] {
  return [
    jsonDecoder({
      name: 'docker networks',
      samples: [samples.DOCKER_NETWORKS],
      decode: decodeNetworks,
      codes: DOCKER_CODES,
    }),
    jsonDecoder({
      name: 'docker containers',
      samples: [samples.DOCKER_CONTAINERS],
      decode: (value) => [decodeContainers(value), decodeIds(value)],
      codes: DOCKER_CODES,
    }),
    jsonDecoder({
      name: 'docker info',
      samples: [samples.DOCKER_INFO],
      decode: (value) => [decodeDockerFacts(value), decodeRunningCount(value)],
      codes: DOCKER_CODES,
    }),
    jsonDecoder({
      name: 'docker container',
      samples: [samples.DOCKER_CONTAINER],
      decode: (value) => [
        decodePid(value),
        hasFailedToStart(value),
        decodeSettleEndpoint(value, 'web'),
      ],
      codes: DOCKER_CODES,
    }),
    jsonDecoder({
      name: 'docker network',
      samples: [samples.DOCKER_NETWORKS[0]],
      decode: decodeSettleNetwork,
      codes: DOCKER_CODES,
    }),
  ]
}

/** What the kernel and DNS servers send. */
function byteDecoders(): readonly Decoder[] {
  return [
    bytesDecoder({
      name: 'netlink',
      samples: samples.netlink(),
      decode: (bytes) => {
        const messages = decodeMessages(bytes)
        for (const { payload } of messages) decodeAttributes(payload)
        return [
          decodeLinks(messages),
          decodeAddresses(messages),
          decodeRoutes(messages, () => true),
          decodeProxies(messages),
        ]
      },
      codes: ['NETLINK_FAILED'],
      weight: 2,
    }),
    bytesDecoder({
      name: 'DNS message',
      samples: samples.dns(),
      decode: (bytes) => [rcodeOf(bytes), decodeMessage(bytes)],
      codes: ['DNS_PROVIDER'],
    }),
    bytesDecoder({
      name: 'DNS message with TSIG',
      samples: samples.dns(),
      decode: (bytes) => verifyMessage(bytes, new Uint8Array(32), samples.TSIG_KEY, samples.NOW),
      codes: ['DNS_PROVIDER'],
      weight: 0.5,
    }),
  ]
}

/** The decoders of what a host, its tools and the servers beside it say. */
export function hostDecoders(): readonly Decoder[] {
  return [...textDecoders(), ...dockerDecoders(), ...byteDecoders()]
}
