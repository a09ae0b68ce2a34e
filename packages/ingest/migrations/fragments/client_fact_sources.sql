FROM client_run_evidence AS client
LEFT JOIN job_run_latest AS job ON job.project_id = client.project_id AND job.run_id = client.run_id AND job.origin = client.origin
LEFT JOIN run_producers_latest AS process ON process.project_id = client.project_id AND process.run_id = client.run_id AND process.origin = client.origin AND process.producer = client.producer
