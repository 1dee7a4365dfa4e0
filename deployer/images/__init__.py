"""The processor's image: built or brought as an archive, pushed, scanned, named by its digest.

It is pushed through ECR's own API, which takes the caller's AWS credentials, endpoint and retries as every
other call here: no engine, no login. The registry's HTTP API would send a third less, since this one carries
layers as base64, and would need a second way to authenticate.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_InitiateLayerUpload.html and API_PutImage
"""
