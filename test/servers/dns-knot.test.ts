import { describeDnsProvider } from '../contract/dns-provider.ts'
import { describeServer, openUpdateRig } from './update-rig.ts'
import { startKnot } from './update-server.ts'

describeServer('RFC 2136 at Knot', { knotd: 'knot', nsupdate: 'bind9-dnsutils' }, () => {
  describeDnsProvider('Knot', () => openUpdateRig(startKnot))
})
