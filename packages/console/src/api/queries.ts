/** Names every question the console asks, and how long an answer stays fresh. */

import { keepPreviousData, QueryCache, QueryClient, queryOptions } from '@tanstack/preact-query';
import { ask, AskError, pathOf } from './ask.ts';
import type {
  Attempts,
  ClientHistory,
  ClientRun,
  FailureGroupDetail,
  FailureGroups,
  Hits,
  JobClients,
  JobHistory,
  JobPage,
  JobRun,
  JobTrends,
  Logs,
  MetricSpreads,
  Now,
  RollCall,
  RunFailures,
  RunPage,
  Steps,
} from './types.ts';

const keyWanted = new EventTarget();

/** Calls back whenever the service wants a key, or another one. Returns how to stop. */
export function onKeyWanted(callback: () => void): () => void {
  keyWanted.addEventListener('wanted', callback);
  return () => keyWanted.removeEventListener('wanted', callback);
}

export const queryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      if (error instanceof AskError && error.status === 401) keyWanted.dispatchEvent(new Event('wanted'));
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      gcTime: 5 * 60_000,
      // Of a refusal nothing else can come; the service may be starting, though.
      retry: (count, error) =>
        error instanceof AskError && (error.status === 0 || error.status >= 500) && count < 2,
      refetchOnWindowFocus: true,
    },
  },
});

/** Changes come by the live feed; this is for what it may have missed. */
const SAFETY_NET_MS = 60_000;

export const questions = {
  now: () =>
    queryOptions({
      queryKey: ['now'],
      queryFn: ({ signal }) => ask<Now>('/now', { signal }),
      refetchInterval: SAFETY_NET_MS,
    }),
  runs: (filter: { job?: string; verdict?: string }, cursor: string | undefined) =>
    queryOptions({
      queryKey: ['runs', filter, cursor ?? ''],
      queryFn: ({ signal }) => ask<RunPage>('/runs', { query: { ...filter, cursor, limit: 50 }, signal }),
      placeholderData: keepPreviousData,
    }),
  run: (runId: string) =>
    queryOptions({
      queryKey: ['run', runId, 'self'],
      queryFn: ({ signal }) => ask<JobRun>(pathOf('runs', runId), { signal }),
    }),
  rollCall: (runId: string) =>
    queryOptions({
      queryKey: ['run', runId, 'roll-call'],
      queryFn: ({ signal }) => ask<RollCall>(`${pathOf('runs', runId)}/roll-call`, { signal }),
    }),
  steps: (runId: string) =>
    queryOptions({
      queryKey: ['run', runId, 'steps'],
      queryFn: ({ signal }) => ask<Steps>(`${pathOf('runs', runId)}/steps`, { signal }),
    }),
  stepsOfClient: (runId: string, client: string) =>
    queryOptions({
      queryKey: ['run', runId, 'steps', client],
      queryFn: ({ signal }) =>
        ask<Steps>(`${pathOf('runs', runId)}/steps`, { query: { client, limit: 500 }, signal }),
    }),
  metrics: (runId: string) =>
    queryOptions({
      queryKey: ['run', runId, 'metrics'],
      queryFn: ({ signal }) => ask<MetricSpreads>(`${pathOf('runs', runId)}/metrics`, { signal }),
    }),
  failures: (runId: string) =>
    queryOptions({
      queryKey: ['run', runId, 'failures'],
      queryFn: ({ signal }) => ask<RunFailures>(`${pathOf('runs', runId)}/failures`, { signal }),
    }),
  attempts: (runId: string) =>
    queryOptions({
      queryKey: ['run', runId, 'attempts'],
      queryFn: ({ signal }) => ask<Attempts>(`${pathOf('runs', runId)}/attempts`, { signal }),
    }),
  logs: (runId: string, filter: Record<string, string>, cursor: string | undefined) =>
    queryOptions({
      queryKey: ['run', runId, 'logs', filter, cursor ?? ''],
      queryFn: ({ signal }) =>
        ask<Logs>(`${pathOf('runs', runId)}/logs`, { query: { ...filter, cursor }, signal }),
      placeholderData: keepPreviousData,
    }),
  clientRun: (runId: string, clientId: string) =>
    queryOptions({
      queryKey: ['run', runId, 'client', clientId],
      queryFn: ({ signal }) => ask<ClientRun>(pathOf('runs', runId, 'clients', clientId), { signal }),
    }),
  jobs: (search: string, cursor: string | undefined) =>
    queryOptions({
      queryKey: ['jobs', search, cursor ?? ''],
      queryFn: ({ signal }) => ask<JobPage>('/jobs', { query: { search, cursor, limit: 50 }, signal }),
      placeholderData: keepPreviousData,
    }),
  job: (job: string) =>
    queryOptions({
      queryKey: ['job', job, 'history'],
      queryFn: ({ signal }) => ask<JobHistory>(pathOf('jobs', job), { signal }),
    }),
  jobTrends: (job: string) =>
    queryOptions({
      queryKey: ['job', job, 'trends'],
      queryFn: ({ signal }) => ask<JobTrends>(`${pathOf('jobs', job)}/metrics`, { signal }),
    }),
  jobClients: (job: string) =>
    queryOptions({
      queryKey: ['job', job, 'clients'],
      queryFn: ({ signal }) => ask<JobClients>(`${pathOf('jobs', job)}/clients`, { signal }),
    }),
  client: (clientId: string) =>
    queryOptions({
      queryKey: ['client', clientId],
      queryFn: ({ signal }) => ask<ClientHistory>(pathOf('clients', clientId), { signal }),
    }),
  failureGroups: (search: string, days: number, cursor: string | undefined) =>
    queryOptions({
      queryKey: ['failure-groups', search, days, cursor ?? ''],
      queryFn: ({ signal }) =>
        ask<FailureGroups>('/failure-groups', { query: { search, days, cursor }, signal }),
      placeholderData: keepPreviousData,
    }),
  failureGroup: (job: string, fingerprint: string, days: number) =>
    queryOptions({
      queryKey: ['failure-group', job, fingerprint, days],
      queryFn: ({ signal }) =>
        ask<FailureGroupDetail>(pathOf('failure-groups', job, fingerprint), { query: { days }, signal }),
    }),
  search: (text: string) =>
    queryOptions({
      queryKey: ['search', text],
      queryFn: ({ signal }) => ask<Hits>('/search', { query: { q: text }, signal }),
      placeholderData: keepPreviousData,
      enabled: text.trim() !== '',
    }),
} as const;
