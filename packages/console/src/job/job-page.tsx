/** One job: its runs over time, its metrics, its clients run by run. */

export function JobPage({ job }: { job: string }) {
  return <h1>{job}</h1>;
}
