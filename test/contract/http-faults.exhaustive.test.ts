import { SERVICES } from '../fakes/dns/services.ts'
import { describeHttpFaults } from './http-faults.ts'

for (const { name, open, faults, publishing } of SERVICES) {
  describeHttpFaults(name, open, faults, publishing)
}
