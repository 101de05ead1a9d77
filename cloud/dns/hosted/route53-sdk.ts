import {
  ChangeResourceRecordSetsCommand,
  type ChangeResourceRecordSetsCommandInput,
  GetChangeCommand,
  ListHostedZonesByNameCommand,
  ListResourceRecordSetsCommand,
  type ListResourceRecordSetsCommandInput,
  Route53Client,
  type Route53ClientConfig,
} from '@aws-sdk/client-route-53'

/** The four calls that are used; answers are untrusted. */
export interface Route53Sdk {
  zones(name: string): Promise<unknown>
  records(input: ListResourceRecordSetsCommandInput): Promise<unknown>
  change(input: ChangeResourceRecordSetsCommandInput): Promise<unknown>
  state(change: string): Promise<unknown>
}

/**
 * A client of AWS. This file is loaded when the first request is sent: the SDK takes half a second
 * and half a megabyte, which nobody else shall pay for.
 */
export function openRoute53(config: Route53ClientConfig): Route53Sdk {
  // Its advice on Node versions goes to whoever builds reprefix, and not into an operator's log.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  const client = new Route53Client(config)
  return {
    zones: (name) => client.send(new ListHostedZonesByNameCommand({ DNSName: name, MaxItems: 10 })),
    records: (input) => client.send(new ListResourceRecordSetsCommand(input)),
    change: (input) => client.send(new ChangeResourceRecordSetsCommand(input)),
    state: (change) => client.send(new GetChangeCommand({ Id: change })),
  }
}
