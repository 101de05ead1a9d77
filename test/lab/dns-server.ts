import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inNamespace } from './command.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { waitFor } from './deadline.ts'
import { HOME, INTERNET } from './lab-names.ts'
import type { Namespaces } from './namespaces.ts'
import { programPath } from './packages.ts'
import type { RunDirectory } from './run-directory.ts'

/** The authoritative server of the lab's zone. */
export interface DnsServer {
  readonly daemon: Daemon
  /** `address:port` on the lab's internet. */
  readonly address: string
  /** The only key that may change the zone, and in it only A and AAAA of the given names. */
  readonly tsig: { readonly name: string; readonly algorithm: string; readonly secret: string }
}

const KEY_NAME = 'reprefix'

function renderZone(): string {
  return `$ORIGIN ${HOME.zone}.
$TTL 60
@ IN SOA ns1 hostmaster 1 3600 600 86400 60
@ IN NS ns1
ns1 IN A ${INTERNET.dnsIPv4}
ns1 IN AAAA ${INTERNET.dnsIPv6}
`
}

function renderConfiguration(run: string, secret: string, names: readonly string[]): string {
  const grants = names.map((name) => `    grant ${KEY_NAME}. name ${name}. A AAAA;`)
  return `options {
  directory "${run}";
  pid-file none; session-keyfile "${run}/session.key";
  managed-keys-directory "${run}";
  listen-on { ${INTERNET.dnsIPv4}; }; listen-on-v6 { ${INTERNET.dnsIPv6}; };
  // Two servers on one port would silently share the questions.
  reuseport no;
  recursion no; allow-transfer { none; }; notify no; dnssec-validation no;
  empty-zones-enable no; minimal-responses no; tcp-listen-queue 100;
};
controls { };
key "${KEY_NAME}." { algorithm hmac-sha256; secret "${secret}"; };
zone "${HOME.zone}" {
  type primary; file "zone";
  update-policy {
${grants.join('\n')}
  };
};
logging {
  category default { default_stderr; };
  category update { default_stderr; };
  category update-security { default_stderr; };
};
`
}

/** Starts BIND for the lab's zone and waits until it serves. Only `names` may be updated. */
export async function startDnsServer(
  directory: RunDirectory,
  namespaces: Namespaces,
  names: readonly string[],
): Promise<DnsServer> {
  const run = join(directory.path, 'bind')
  const secret = randomBytes(32).toString('base64')
  await mkdir(run)
  await writeFile(join(run, 'zone'), renderZone())
  await writeFile(join(run, 'named.conf'), renderConfiguration(run, secret, names), { mode: 0o600 })
  // Debian's AppArmor profile confines /usr/sbin/named to its own directories; a copy has none.
  const named = join(run, 'named')
  await copyFile(programPath('named'), named)
  let isServing = false
  const daemon = await startDaemon({
    name: 'named',
    argv: inNamespace(namespaces.dns, [named, '-g', '-c', join(run, 'named.conf'), '-n', '1']),
    logFile: join(directory.path, 'named.log'),
    errorLines: true,
    onLine: (line) => {
      isServing ||= / running$/.test(line)
    },
  })
  await waitFor('start of named', () => (isServing ? true : undefined), {
    hopeless: () => daemon.failure(),
  })
  return {
    daemon,
    address: `${INTERNET.dnsIPv4}:53`,
    tsig: { name: KEY_NAME, algorithm: 'hmac-sha256', secret },
  }
}
