import type { Answer, Operation, Parameter } from './operation.ts'
import { READING, WRITING } from './problems.ts'
import { reference } from './value-schemas.ts'

const HOST: Parameter = {
  name: 'host',
  in: 'path',
  description: 'Its name.',
  schema: reference('HostName'),
}
const THE_HOST: Answer = {
  status: 200,
  description: 'The host, as it is now.',
  contentType: 'application/json',
  schema: 'Host',
}
const ZONE: Parameter = {
  name: 'zone',
  in: 'query',
  description: 'This zone alone; all of them unless given.',
  schema: reference('DomainName'),
  isRequired: false,
}

/** What the operator asks for, with the token of `cloud.yaml`. */
export const OPERATOR_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    route: '/v1/admin/hosts',
    id: 'listHosts',
    tag: 'operator',
    summary: 'All hosts',
    isOperators: true,
    answers: [{ ...THE_HOST, description: 'Each host, as it is now.', schema: 'Hosts' }],
    codes: READING,
  },
  {
    method: 'post',
    route: '/v1/admin/hosts',
    id: 'addHost',
    tag: 'operator',
    summary: 'Add a host, or invite a revoked one anew',
    isOperators: true,
    body: { contentType: 'application/json', schema: 'HostAddition' },
    answers: [
      {
        status: 201,
        description: 'The host, and the join string for it.',
        contentType: 'application/json',
        schema: 'Invitation',
      },
    ],
    codes: ['HOST_EXISTS', ...WRITING],
  },
  {
    method: 'get',
    route: '/v1/admin/hosts/:host',
    id: 'getHost',
    tag: 'operator',
    summary: 'One host',
    isOperators: true,
    parameters: [HOST],
    answers: [THE_HOST],
    codes: ['HOST_UNKNOWN', ...READING],
  },
  {
    method: 'patch',
    route: '/v1/admin/hosts/:host',
    id: 'changePolicy',
    tag: 'operator',
    summary: 'Replace parts of a policy, from the next report on',
    isOperators: true,
    parameters: [HOST],
    body: { contentType: 'application/json', schema: 'PolicyChange' },
    answers: [THE_HOST],
    codes: ['HOST_UNKNOWN', ...WRITING],
  },
  {
    method: 'post',
    route: '/v1/admin/hosts/:host/revoke',
    id: 'revokeHost',
    tag: 'operator',
    summary: 'Take away the key of a host',
    description: 'Its records stay in DNS as they are. Doing it again changes nothing.',
    isOperators: true,
    parameters: [HOST],
    answers: [THE_HOST],
    codes: ['HOST_UNKNOWN', ...WRITING],
  },
  {
    method: 'get',
    route: '/v1/admin/dns/plan',
    id: 'planDns',
    tag: 'operator',
    summary: 'What the next flush would change at each provider',
    isOperators: true,
    parameters: [ZONE],
    answers: [
      {
        status: 200,
        description: 'By zone.',
        contentType: 'application/json',
        schema: 'DnsPlan',
      },
    ],
    codes: ['NAME_INVALID', 'NOT_FOUND', ...READING],
  },
  {
    method: 'get',
    route: '/v1/admin/dns/check',
    id: 'checkDns',
    tag: 'operator',
    summary: 'What every authoritative name server serves',
    isOperators: true,
    parameters: [ZONE],
    answers: [
      {
        status: 200,
        description: 'By zone.',
        contentType: 'application/json',
        schema: 'DnsCheck',
      },
    ],
    codes: ['NAME_INVALID', 'NOT_FOUND', 'DNS_LOOKUP', ...READING],
  },
]
