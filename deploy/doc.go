// Package deploy holds nothing but tests, of what stands beside it: the image (Dockerfile, build.sh), the stack of
// containers (../docker-compose.yml, compose.local.yml) and what these read. Those of settings_test.go look at the files;
// that of compose_test.go, behind the build tag compose, runs the stack (make compose-test).
package deploy
